use rule datasets as figures with:
    input:
        unpack(made_from("figure")),
    output:
        [drawn(format) for format in PICTURE],
    log:
        log("figure"),
    benchmark:
        benchmark("figure")
    wildcard_constraints:
        figure=of_formats(*PICTURE),
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        content=content("figure"),
        caption=lambda wildcards: study.figures[wildcards.figure].caption,
        command=command("figures", "figure", named=True),


use rule figures as figures_explorer with:
    output:
        drawn("html"),
    log:
        log("figure"),
    benchmark:
        benchmark("figure")
    wildcard_constraints:
        figure=of_formats("html"),


use rule figures as figures_film with:
    output:
        drawn("gif"),
    log:
        log("figure"),
    benchmark:
        benchmark("figure")
    wildcard_constraints:
        figure=of_formats("gif"),


use rule figures as figures_film_mp4 with:
    output:
        drawn("gif"),
        drawn("mp4"),
    log:
        log("figure"),
    benchmark:
        benchmark("figure")
    wildcard_constraints:
        figure=of_formats("gif", "mp4"),
