rule datasets:
    input:
        unpack(made_from("dataset")),
    output:
        result("dataset"),
    log:
        log("dataset"),
    benchmark:
        benchmark("dataset")
    conda:
        "../envs/jobs.yaml"
    resources:
        mem_mb=grows(4000),
        runtime=grows(20),
    params:
        content=content("dataset"),
        command=command("datasets", "dataset"),
    shell:
        SHELL
