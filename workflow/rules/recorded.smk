for kind in ("history", "information"):

    rule:
        name:
            f"recorded_{kind}"
        input:
            unpack(made_from(kind)),
        output:
            result(kind),
        log:
            log(kind),
        benchmark:
            benchmark(kind)
        wildcard_constraints:
            experiment=RECORDED,
        localrule: True
        conda:
            "../envs/jobs.yaml"
        resources:
            mem_mb=grows(1000),
            runtime=grows(10),
        params:
            content=content(kind),
            command=command(f"recorded {kind}", kind),
        shell:
            SHELL
