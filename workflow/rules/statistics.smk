localrules:
    statistics_join,
    statistics_claims,


rule statistics_information:
    input:
        code=modules_of("statistics"),
        information=lambda wildcards: expand(
            "<results>/information/{{experiment}}/{{estimator}}/{chunk}.parquet", chunk=chunks(wildcards)
        ),
        history=lambda wildcards: expand(
            "<results>/training/{{experiment}}/{chunk}.parquet", chunk=chunks(wildcards)
        ),
    output:
        aggregates=ensure("<results>/statistics/{experiment}/{estimator}/aggregates.parquet", non_empty=True),
        phases=ensure("<results>/statistics/{experiment}/{estimator}/phases.parquet", non_empty=True),
    log:
        "<logs>/statistics/{experiment}/{estimator}.log",
    benchmark:
        "<benchmarks>/statistics/{experiment}/{estimator}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    shell:
        "python -m infoplane.cli statistics information"
        " --information {input.information:q} --history {input.history:q}"
        " --aggregates {output.aggregates:q} --phases {output.phases:q} > {log:q} 2>&1"


rule statistics_tradeoff:
    input:
        code=modules_of("statistics"),
        phases="<results>/statistics/{experiment}/{estimator}/phases.parquet",
        history=lambda wildcards: expand(
            "<results>/training/{{experiment}}/{chunk}.parquet", chunk=chunks(wildcards)
        ),
    output:
        tradeoff=ensure("<results>/statistics/{experiment}/{estimator}/tradeoff.parquet", non_empty=True),
        correlations=ensure(
            "<results>/statistics/{experiment}/{estimator}/correlations.parquet", non_empty=True
        ),
    log:
        "<logs>/statistics/{experiment}/{estimator}.tradeoff.log",
    benchmark:
        "<benchmarks>/statistics/{experiment}/{estimator}.tradeoff.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    shell:
        "python -m infoplane.cli statistics tradeoff --phases {input.phases:q} --history {input.history:q}"
        " --tradeoff {output.tradeoff:q} --correlations {output.correlations:q} > {log:q} 2>&1"


rule statistics_accuracy:
    input:
        code=modules_of("statistics"),
        dataset=lambda wildcards: f"<results>/datasets/{study.experiments[wildcards.experiment].dataset}.npz",
        history=lambda wildcards: expand(
            "<results>/training/{{experiment}}/{chunk}.parquet", chunk=chunks(wildcards)
        ),
    output:
        ensure("<results>/statistics/{experiment}/accuracy.parquet", non_empty=True),
    log:
        "<logs>/statistics/{experiment}.log",
    benchmark:
        "<benchmarks>/statistics/{experiment}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    shell:
        "python -m infoplane.cli statistics accuracy --dataset {input.dataset:q} --history {input.history:q}"
        " --output {output:q} > {log:q} 2>&1"


rule statistics_errors:
    input:
        code=modules_of("statistics"),
        exact=lambda wildcards: held(
            "information",
            [],
            [(wildcards.experiment, study.exact_estimator(wildcards.experiment))],
        ),
        binned=lambda wildcards: expand(
            "<results>/information/{{experiment}}/{{estimator}}/{chunk}.parquet", chunk=chunks(wildcards)
        ),
    output:
        ensure("<results>/statistics/{experiment}/{estimator}/errors.parquet", non_empty=True),
    log:
        "<logs>/statistics/{experiment}/{estimator}.errors.log",
    benchmark:
        "<benchmarks>/statistics/{experiment}/{estimator}.errors.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    shell:
        "python -m infoplane.cli statistics errors --exact {input.exact:q} --binned {input.binned:q}"
        " --output {output:q} > {log:q} 2>&1"


rule statistics_join:
    input:
        code=modules_of("statistics"),
        tables=lambda wildcards: joined(wildcards.dataset, wildcards.table),
    output:
        ensure("<results>/statistics/{dataset}/{table}.csv", non_empty=True),
    log:
        "<logs>/statistics/{dataset}/{table}.csv.log",
    benchmark:
        "<benchmarks>/statistics/{dataset}/{table}.csv.tsv"
    wildcard_constraints:
        table="|".join(JOINED),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        tables=lambda wildcards, input: named(input.tables),
    shell:
        "python -m infoplane.cli statistics join-{wildcards.table} --tables {params.tables:q}"
        " --output {output:q} > {log:q} 2>&1"


rule statistics_claims:
    input:
        code=modules_of("statistics"),
        phases=claimed(),
    output:
        claims=ensure("<results>/statistics/claims.csv", non_empty=True),
        cells=ensure("<results>/statistics/cells.csv", non_empty=True),
        margins=ensure("<results>/statistics/margins.csv", non_empty=True),
    log:
        "<logs>/statistics/claims.log",
    benchmark:
        "<benchmarks>/statistics/claims.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        phases=lambda wildcards, input: named(input.phases),
    shell:
        "python -m infoplane.cli statistics claims --phases {params.phases:q}"
        " --claims {output.claims:q} --cells {output.cells:q} --margins {output.margins:q} > {log:q} 2>&1"
