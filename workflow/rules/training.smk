# Nothing else takes so much room. Dropped, it goes as soon as every estimator has seen it.
TRAJECTORY = ensure("<results>/training/{experiment}/{chunk}.safetensors", non_empty=True)


rule training:
    input:
        code=code_for("training"),
        dataset=lambda wildcards: (
            f"<results>/datasets/{study.experiments[wildcards.experiment].dataset}.npz"
        ),
    output:
        trajectory=temp(TRAJECTORY) if study.trajectories == "drop" else TRAJECTORY,
        history=ensure("<results>/training/{experiment}/{chunk}.parquet", non_empty=True),
    log:
        "<logs>/training/{experiment}/{chunk}.log",
    benchmark:
        "<benchmarks>/training/{experiment}/{chunk}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 1440 * attempt,
        gpu=GPUS,
    params:
        spec=lambda wildcards: spec(study.experiments[wildcards.experiment].spec),
        device=study.device,
    shell:
        "python -m infoplane.cli training --spec {params.spec:q} --device {params.device}"
        " --dataset {input.dataset:q}"
        " --repetitions {wildcards.chunk}"
        " --trajectory {output.trajectory:q} --history {output.history:q} > {log:q} 2>&1"
