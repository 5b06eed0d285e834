use rule datasets as information with:
    input:
        unpack(made_from("information")),
    output:
        result("information"),
    log:
        log("information"),
    benchmark:
        benchmark("information")
    wildcard_constraints:
        experiment=TRAINED,
    resources:
        mem_mb=grows(2000),
        runtime=grows(720),
        gpu=GPUS,
    params:
        content=content("information"),
        command=command("information", "information", device=study.device),


# The other tables that a replay of trajectories is written to, and the minutes that one takes at most
REPLAYED = {"reliability": 240, "resolution": 240, "levels": 240, "merging": 30, "activations": 30}
OPTIONS = {"merging": {"repetition": "0"}}

for kind, minutes in REPLAYED.items():

    rule:
        name:
            kind
        input:
            unpack(made_from(kind)),
        output:
            result(kind),
        log:
            log(kind),
        benchmark:
            benchmark(kind)
        conda:
            "../envs/jobs.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(minutes),
        params:
            content=content(kind),
            command=command(kind, kind, **OPTIONS.get(kind, {})),
        shell:
            SHELL
