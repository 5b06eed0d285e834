"""Spec of a figure."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from infoplane.config.fields import (
    Count,
    ExperimentsOrNone,
    Interval,
    Label,
    Layers,
    Names,
    Pairs,
    documented,
    one_of,
)
from infoplane.config.kinds import FIGURES, PHRASES, TABLES
from infoplane.config.specs import Spec, refuse_others
from infoplane.config.words import listed

__all__ = ["WITH_INSETS", "FigureSpec"]

# At 1200 dots per inch, a figure takes 1.7 GB of memory to draw if it is 30 inches high, more than twice the
# highest of the study at paper scale
Dpi = Annotated[Count, Field(le=1200)]
# Information planes by more estimators than these leave no room for insets
WITH_INSETS = 2


class FigureSpec(Spec):
    """One figure: its kind and what it shows."""

    kind: Annotated[
        str,
        one_of(FIGURES),
        documented(
            " ".join(f"`{name}`: {kind.about}." for name, kind in FIGURES.items()),
            names=FIGURES,
        ),
    ]
    category: Annotated[
        str,
        documented(
            "section of the report that lists the figure; `main` and `A` to `F` are also targets: "
            "`snakemake figure_a` draws the figures of `A`",
            values="text",
        ),
    ]
    experiments: Annotated[
        ExperimentsOrNone,
        documented(
            "experiments that the figure shows; not for `margins`",
            unset="required",
            values="`all`, or a list of names and patterns such as `relu-*`",
        ),
    ] = ()
    estimators: Annotated[
        Names | None,
        documented(
            "estimators that the figure shows; not for "
            + ", ".join(f"`{name}`" for name, kind in FIGURES.items() if "estimators" not in kind.takes),
            unset="required",
            values="a list of names",
        ),
    ] = None
    i_xt: Annotated[
        Interval | None,
        documented(
            "limits of I(X;T), to zoom in; for `plane`",
            unset="the whole plane",
            values="`[lo, hi]`, bits",
        ),
    ] = None
    i_ty: Annotated[
        Interval | None,
        documented(
            "limits of I(T;Y), to zoom in; for `plane`",
            unset="the whole plane",
            values="`[lo, hi]`, bits",
        ),
    ] = None
    layers: Annotated[
        Layers | None,
        documented(
            "layers that the figure shows, counted from 1; for "
            + ", ".join(f"`{name}`" for name, kind in FIGURES.items() if "layers" in kind.takes),
            unset="all",
            values="a list of numbers",
        ),
    ] = None
    colour: Annotated[
        Literal["epoch", "layer"],
        documented("what the colours distinguish; for `plane`"),
    ] = "epoch"
    trained: Annotated[
        Pairs,
        documented(
            "networks trained at few bits that are shown as points, each with the estimator of its "
            "information; for `resolution`",
            unset="none",
            values="a list of `experiment/estimator`",
        ),
    ] = ()
    mp4: Annotated[
        bool,
        documented(
            "whether a `film` is also written as MP4; this requires ffmpeg on the path, or the package "
            "`imageio-ffmpeg`",
            values="`true`, `false`",
        ),
    ] = False
    labels: Annotated[
        dict[str, Label],
        documented(
            "labels that replace the names of experiments and estimators",
            default_factory=dict,
            unset="their own labels",
            values="a label of up to 60 characters for each name",
        ),
    ]
    dpi: Annotated[
        Dpi,
        documented("resolution of the PNG", values="dots per inch, up to 1200"),
    ] = 200
    note: Annotated[
        str,
        documented("remark that is shown with the title", unset="none", values="text"),
    ] = ""

    @model_validator(mode="after")
    def keys_fit_kind(self) -> Self:
        kind = FIGURES[self.kind]
        refuse_others(self, kind.takes, set().union(*(each.takes for each in FIGURES.values())))
        for key in ("experiments", "estimators"):
            if key in kind.takes and not getattr(self, key):
                raise ValueError(f"kind {self.kind} needs {key}; add them")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The kinds of tables that it is drawn from."""
        return FIGURES[self.kind].reads

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats of its files."""
        return (*FIGURES[self.kind].formats, *(["mp4"] if self.mp4 else []))

    @property
    def caption(self) -> str:
        """Sentences that say what it shows."""
        caption = FIGURES[self.kind].caption.format_map(PHRASES | self.phrases)
        return f"{caption[0].upper()}{caption[1:]}."

    @property
    def phrases(self) -> dict[str, str]:
        """What its keys say of it that its kind leaves open."""
        estimators = len(self.estimators or ())
        said = {"colour": self.colour, "panels": "each experiment" if estimators > 1 else "each protocol"}
        if self.layers:
            names = f"layer{'s' * (len(self.layers) > 1)} {listed(f'T{layer}' for layer in self.layers)}"
            said |= {"layers": names, "ends": names}
        if self.i_xt or self.i_ty or estimators > WITH_INSETS:
            said["insets"] = ""
        if not self.trained:
            said["points"] = ""
        return said

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every experiment and estimator that it shows together."""
        trained = (each.partition("/")[::2] for each in self.trained)
        return [*product(self.experiments, self.estimators or ()), *trained]

    def names(self, table: str) -> Sequence[Any]:
        """What the tables of a kind that it is drawn from are of.

        >>> spec = FigureSpec(kind="plane", category="A", experiments=["relu"], estimators=["exact"])
        >>> spec.names("aggregates"), spec.names("accuracy"), spec.names("margins")
        ([('relu', 'exact')], ('relu',), ('study',))
        """
        match TABLES[table].of:
            case "estimator":
                return self.pairs
            case "experiment":
                return self.experiments
            case "study":
                return ("study",)

    def files(self, find: Callable[[str, Any], list[Path]]) -> dict[str, dict[Any, list[Path]]]:
        """The files that it is drawn from, by the kind of their tables and by what each table is of.

        Args:
            find: the files of the table of a kind that is of a name, one of `names`.
        """
        return {kind: {name: find(kind, name) for name in self.names(kind)} for kind in self.reads}
