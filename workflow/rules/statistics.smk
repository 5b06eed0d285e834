# The commands of statistics and, of what each writes, the kind of the first file
WRITTEN = {
    "information": "aggregates",
    "tradeoff": "tradeoff",
    "accuracy": "accuracy",
    "errors": "errors",
    "join-{table}": "joined",
    "claims": "claims",
}

for stage, kind in WRITTEN.items():

    of_study = kind in ("joined", "claims")

    rule:
        name:
            f"statistics_{stage.removesuffix('-{table}')}"
        input:
            unpack(made_from(kind)),
        output:
            **results(kind),
        log:
            log(kind),
        benchmark:
            benchmark(kind)
        wildcard_constraints:
            table="|".join(JOINS),
        localrule: of_study
        conda:
            "../envs/jobs.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            content=content(kind),
            command=command(f"statistics {stage}", kind, named=of_study),
        shell:
            SHELL
