localrules:
    index,
    pages,
    verdicts,


use rule datasets as pages with:
    input:
        unpack(made_from("page")),
    output:
        report(
            result("page"),
            caption="../report/table.rst",
            category=lambda wildcards: "Tables" if Path(wildcards.table).parts[1:] else "Claims",
            labels={"table": "{table}"},
        ),
    log:
        log("page"),
    benchmark:
        benchmark("page")
    wildcard_constraints:
        table=r"([\w-]+/)?[a-z]+",
    resources:
        mem_mb=grows(1000),
        runtime=grows(10),
    params:
        content=content("page"),
        command=command("pages", "page"),


use rule pages as verdicts with:
    input:
        unpack(made_from("verdicts")),
    output:
        report(
            result("verdicts"),
            caption="../report/verdicts.rst",
            category="Claims",
            labels={"table": "verdicts"},
        ),
        result("verdicts_text"),
    log:
        log("verdicts"),
    benchmark:
        benchmark("verdicts")
    params:
        content=content("verdicts"),
        command=command("verdicts", "verdicts"),


use rule pages as index with:
    input:
        unpack(made_from("index")),
    output:
        result("index"),
    log:
        log("index"),
    benchmark:
        benchmark("index")
    params:
        content=content("index"),
        command=command("index", "index"),
