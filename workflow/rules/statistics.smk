localrules:
    statistics_join,
    statistics_claims,


use rule datasets as statistics_information with:
    input:
        unpack(made_from("aggregates")),
    output:
        aggregates=result("aggregates"),
        phases=result("phases"),
    log:
        log("aggregates"),
    benchmark:
        benchmark("aggregates")
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        content=content("aggregates"),
        command=command("statistics information"),


use rule statistics_information as statistics_tradeoff with:
    input:
        unpack(made_from("tradeoff")),
    output:
        tradeoff=result("tradeoff"),
        correlations=result("correlations"),
    log:
        log("tradeoff"),
    benchmark:
        benchmark("tradeoff")
    params:
        command=command("statistics tradeoff"),


use rule statistics_information as statistics_accuracy with:
    input:
        unpack(made_from("accuracy")),
    output:
        result("accuracy"),
    log:
        log("accuracy"),
    benchmark:
        benchmark("accuracy")
    params:
        command=command("statistics accuracy"),


use rule statistics_information as statistics_errors with:
    input:
        unpack(made_from("errors")),
    output:
        result("errors"),
    log:
        log("errors"),
    benchmark:
        benchmark("errors")
    params:
        command=command("statistics errors"),


use rule statistics_information as statistics_join with:
    input:
        unpack(made_from("joined")),
    output:
        result("joined"),
    log:
        log("joined"),
    benchmark:
        benchmark("joined")
    wildcard_constraints:
        table="|".join(JOINS),
    params:
        command=command("statistics join-{table}", named=True),


use rule statistics_information as statistics_claims with:
    input:
        unpack(made_from("claims")),
    output:
        claims=result("claims"),
        cells=result("cells"),
        margins=result("margins"),
    log:
        log("claims"),
    benchmark:
        benchmark("claims")
    params:
        command=command("statistics claims", named=True),
