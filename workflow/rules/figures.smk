use rule datasets as figures with:
    input:
        unpack(made_from("figure")),
    output:
        [
            report(
                f"<results>/figures/{{figure}}.{format}",
                caption="../report/figure.rst",
                category=lambda wildcards: shelf_of(study.figures[wildcards.figure].category),
                labels={"figure": "{figure}", "as PNG": "yes" if format == "png" else "no"},
            )
            for format in FORMATS
        ],
    log:
        log("figure"),
    benchmark:
        benchmark("figure")
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        content=content("figure"),
        caption=lambda wildcards: study.figures[wildcards.figure].caption,
        command=command("figures", "figure", named=True),
