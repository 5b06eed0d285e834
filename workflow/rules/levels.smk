rule levels:
    input:
        code=code_for("information.levels"),
        dataset=lambda wildcards: (
            f"<results>/datasets/{study.experiments[wildcards.experiment].dataset}.npz"
        ),
        trajectory="<results>/training/{experiment}/{chunk}.safetensors",
    output:
        ensure("<results>/levels/{experiment}/{chunk}.parquet", non_empty=True),
    log:
        "<logs>/levels/{experiment}/{chunk}.log",
    benchmark:
        "<benchmarks>/levels/{experiment}/{chunk}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    shell:
        "python -m infoplane.cli levels --dataset {input.dataset:q}"
        " --trajectory {input.trajectory:q} --output {output:q} > {log:q} 2>&1"
