localrules:
    recorded_history,
    recorded_information,


def recordings(names):
    """The files of a recorded experiment: not inputs, because their content counts and not their time."""
    return [*map(str, study.recorded[names["experiment"]].paths)]


def recorded_inputs(names):
    return [study.recorded[names["experiment"]].dataset]


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
