# Nothing else takes so much room. Dropped, it goes as soon as every estimator has seen it.
TRAJECTORY = temp(result("trajectory")) if study.trajectories == "drop" else result("trajectory")


use rule datasets as training with:
    input:
        unpack(made_from("history")),
    output:
        trajectory=TRAJECTORY,
        history=result("history"),
    log:
        log("history"),
    benchmark:
        benchmark("history")
    wildcard_constraints:
        experiment=TRAINED,
    resources:
        mem_mb=grows(2000),
        runtime=grows(1440),
        gpu=GPUS,
    params:
        content=content("history"),
        command=command("training", "history", repetitions="{chunk}", device=study.device),
