rule merging:
    input:
        code=code_for("information.merging"),
        dataset=lambda wildcards: (
            f"<results>/datasets/{study.experiments[wildcards.experiment].dataset}.npz"
        ),
        trajectory=lambda wildcards: f"<results>/training/{{experiment}}/{chunks(wildcards)[0]}.safetensors",
    output:
        ensure("<results>/merging/{experiment}/0.parquet", non_empty=True),
    log:
        "<logs>/merging/{experiment}.log",
    benchmark:
        "<benchmarks>/merging/{experiment}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    shell:
        "python -m infoplane.cli merging --dataset {input.dataset:q} --trajectory {input.trajectory:q}"
        " --repetition 0 --output {output:q} > {log:q} 2>&1"
