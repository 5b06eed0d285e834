localrules:
    recorded_history,
    recorded_information,


use rule datasets as recorded_history with:
    input:
        unpack(made_from("history")),
    output:
        result("history"),
    log:
        log("history"),
    benchmark:
        benchmark("history")
    wildcard_constraints:
        experiment=RECORDED,
    resources:
        mem_mb=grows(1000),
        runtime=grows(10),
    params:
        content=content("history"),
        command=command("recorded history", files=recordings, dataset=recorded_inputs),


use rule recorded_history as recorded_information with:
    input:
        unpack(made_from("information")),
    output:
        result("information"),
    log:
        log("information"),
    benchmark:
        benchmark("information")
    params:
        content=content("information"),
        command=command("recorded information", "information", files=recordings, dataset=recorded_inputs),
