rule reliability:
    input:
        code=code_for("information.reliability"),
        dataset=lambda wildcards: (
            f"<results>/datasets/{study.experiments[wildcards.experiment].dataset}.npz"
        ),
        trajectory="<results>/training/{experiment}/{chunk}.safetensors",
    output:
        ensure("<results>/reliability/{experiment}/{chunk}.parquet", non_empty=True),
    log:
        "<logs>/reliability/{experiment}/{chunk}.log",
    benchmark:
        "<benchmarks>/reliability/{experiment}/{chunk}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    shell:
        "python -m infoplane.cli reliability --dataset {input.dataset:q}"
        " --trajectory {input.trajectory:q} --output {output:q} > {log:q} 2>&1"
