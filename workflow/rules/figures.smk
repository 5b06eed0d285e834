use rule datasets as figures with:
    input:
        unpack(made_from("figure")),
    output:
        [
            report(
                f"<results>/figures/{{figure}}.{format}",
                caption="../report/figure.rst",
                category=lambda wildcards: shelf(study.figures[wildcards.figure].category),
                labels={"figure": "{figure}", "as PNG": "yes" if format == "png" else "no"},
            )
            for format in FORMATS
        ],
    log:
        "<results>/logs/figures/{figure}.log",
    benchmark:
        "<results>/benchmarks/figures/{figure}.tsv"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        content=content("figure"),
        caption=lambda wildcards: study.figures[wildcards.figure].caption,
        arguments=arguments("figures", "figure", named=True),
