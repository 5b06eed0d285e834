rule datasets:
    input:
        code="src/infoplane/datasets.py",
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
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        spec=lambda wildcards: canonical({"name": wildcards.dataset}),
    shell:
        "python -m infoplane.cli datasets --spec {params.spec:q} --output {output:q} > {log:q} 2>&1"
