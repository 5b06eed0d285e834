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


use rule datasets as reliability with:
    input:
        unpack(made_from("reliability")),
    output:
        result("reliability"),
    log:
        log("reliability"),
    benchmark:
        benchmark("reliability")
    resources:
        mem_mb=grows(2000),
        runtime=grows(240),
    params:
        content=content("reliability"),
        command=command("reliability"),


use rule reliability as resolution with:
    input:
        unpack(made_from("resolution")),
    output:
        result("resolution"),
    log:
        log("resolution"),
    benchmark:
        benchmark("resolution")
    params:
        content=content("resolution"),
        command=command("resolution"),


use rule reliability as levels with:
    input:
        unpack(made_from("levels")),
    output:
        result("levels"),
    log:
        log("levels"),
    benchmark:
        benchmark("levels")
    params:
        content=content("levels"),
        command=command("levels"),


use rule reliability as merging with:
    input:
        unpack(made_from("merging")),
    output:
        result("merging"),
    log:
        log("merging"),
    benchmark:
        benchmark("merging")
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        content=content("merging"),
        command=command("merging", repetition="0"),


use rule merging as activations with:
    input:
        unpack(made_from("activations")),
    output:
        result("activations"),
    log:
        log("activations"),
    benchmark:
        benchmark("activations")
    params:
        content=content("activations"),
        command=command("activations"),
