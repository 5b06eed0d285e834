localrules:
    pages,


rule pages:
    input:
        code="src/infoplane/pages.py",
        table="<results>/statistics/{table}.csv",
    output:
        report(
            ensure("<results>/pages/{table}.html", non_empty=True),
            caption="../report/table.rst",
            category=lambda wildcards: "Tables" if Path(wildcards.table).parts[1:] else "Claims",
            labels={"table": "{table}"},
        ),
    log:
        "<logs>/pages/{table}.log",
    benchmark:
        "<benchmarks>/pages/{table}.tsv"
    wildcard_constraints:
        table=r"([\w-]+/)?[a-z]+",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    shell:
        "python -m infoplane.cli pages --table {input.table:q} --output {output:q} > {log:q} 2>&1"
