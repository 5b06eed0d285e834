rule figures:
    input:
        code=modules_of("figures") + modules_of("statistics") + ["src/infoplane/entropy.py"],
        aggregates=lambda wildcards: read_by(wildcards.figure, "aggregates"),
        accuracy=lambda wildcards: read_by(wildcards.figure, "accuracy"),
        information=lambda wildcards: read_by(wildcards.figure, "information"),
        reliability=lambda wildcards: read_by(wildcards.figure, "reliability"),
        levels=lambda wildcards: read_by(wildcards.figure, "levels"),
        tradeoff=lambda wildcards: read_by(wildcards.figure, "tradeoff"),
        correlations=lambda wildcards: read_by(wildcards.figure, "correlations"),
        merging=lambda wildcards: read_by(wildcards.figure, "merging"),
        claims=lambda wildcards: read_by(wildcards.figure, "claims"),
        errors=lambda wildcards: read_by(wildcards.figure, "errors"),
        phases=lambda wildcards: read_by(wildcards.figure, "phases"),
    output:
        [
            report(
                f"<results>/figures/{{figure}}.{format}",
                caption="../report/figure.rst",
                category=lambda wildcards: shelf(study.figures[wildcards.figure].category),
                labels={"figure": "{figure}", "as PNG": "yes" if format == "png" else "no"},
            )
            for format in ("pdf", "png")
        ],
    log:
        "<logs>/figures/{figure}.log",
    benchmark:
        "<benchmarks>/figures/{figure}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        spec=lambda wildcards: spec(study.figures[wildcards.figure]),
        aggregates=lambda wildcards, input: named(input.aggregates),
        accuracy=lambda wildcards, input: named(input.accuracy),
        information=lambda wildcards, input: named(input.information),
        reliability=lambda wildcards, input: named(input.reliability),
        levels=lambda wildcards, input: named(input.levels),
        tradeoff=lambda wildcards, input: named(input.tradeoff),
        correlations=lambda wildcards, input: named(input.correlations),
        merging=lambda wildcards, input: named(input.merging),
        errors=lambda wildcards, input: named(input.errors),
        phases=lambda wildcards, input: named(input.phases),
    shell:
        "python -m infoplane.cli figures --spec {params.spec:q} --aggregates {params.aggregates:q}"
        " --accuracy {params.accuracy:q} --information {params.information:q}"
        " --reliability {params.reliability:q} --levels {params.levels:q}"
        " --tradeoff {params.tradeoff:q} --correlations {params.correlations:q}"
        " --merging {params.merging:q} --claims {input.claims:q}"
        " --errors {params.errors:q} --phases {params.phases:q}"
        " --output {output:q} > {log:q} 2>&1"
