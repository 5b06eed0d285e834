# The formats of a figure
FORMATS = {
    "figures": PICTURE,
    "figures_explorer": ("html",),
    "figures_film": ("gif",),
    "figures_film_mp4": ("gif", "mp4"),
}

for name, formats in FORMATS.items():

    rule:
        name:
            name
        input:
            unpack(made_from("figure")),
        output:
            [drawn(format) for format in formats],
        log:
            log("figure"),
        benchmark:
            benchmark("figure")
        wildcard_constraints:
            figure="|".join(layout.figures_of(formats)) or "(?!)",
        conda:
            "../envs/jobs.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            content=content("figure"),
            caption=lambda wildcards: study.figures[wildcards.figure].caption,
            command=command("figures", "figure", named=True),
        shell:
            SHELL
