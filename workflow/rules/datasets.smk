rule datasets:
    input:
        code=[*map(str, code_of("datasets", root=SOURCE))],
        own=lambda wildcards: study.datasets[wildcards.dataset].path or [],
    output:
        ensure("<results>/datasets/{dataset}.npz", non_empty=True),
    log:
        "<logs>/datasets/{dataset}.log",
    benchmark:
        "<benchmarks>/datasets/{dataset}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
    params:
        spec=lambda wildcards: spec(study.datasets[wildcards.dataset]),
    shell:
        "python -m infoplane.cli datasets --spec {params.spec:q} --output {output:q} > {log:q} 2>&1"
