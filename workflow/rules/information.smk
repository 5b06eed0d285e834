rule information:
    input:
        code=code_for("information.estimate"),
        dataset=lambda wildcards: (
            f"<results>/datasets/{study.experiments[wildcards.experiment].dataset}.npz"
        ),
        trajectory="<results>/training/{experiment}/{chunk}.safetensors",
    output:
        ensure("<results>/information/{experiment}/{estimator}/{chunk}.parquet", non_empty=True),
    log:
        "<logs>/information/{experiment}/{estimator}/{chunk}.log",
    benchmark:
        "<benchmarks>/information/{experiment}/{estimator}/{chunk}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 720 * attempt,
        gpu=GPUS,
    params:
        spec=lambda wildcards: spec(study.estimators[wildcards.estimator].spec),
        device=study.device,
    shell:
        "python -m infoplane.cli information --spec {params.spec:q} --device {params.device}"
        " --dataset {input.dataset:q}"
        " --trajectory {input.trajectory:q} --output {output:q} > {log:q} 2>&1"
