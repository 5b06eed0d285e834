"""Spec of a data set."""

from typing import Annotated, Any, Literal, Self

from pydantic import model_validator

from infoplane.config.fields import Folder, Name, Rate, Share, documented
from infoplane.config.specs import Spec, refuse_others

__all__ = ["PUBLIC", "DatasetSpec"]


PUBLIC = ("synthetic", "mnist", "fashion-mnist")


class DatasetSpec(Spec):
    """A data set to be made; one that bears the name of a public one is that, unless it says otherwise."""

    name: Name
    kind: Annotated[
        Literal["synthetic", "mnist", "fashion-mnist", "npz"],
        documented(
            "`synthetic`: all 4,096 patterns of 12 bits, two classes. `mnist`, `fashion-mnist`: 60,000 "
            "training and 10,000 test images of 28 × 28 pixels, ten classes. `npz`: your own arrays",
            unset="the name, if it is one of these",
        ),
    ]
    folder: Annotated[
        Folder | None,
        documented(
            "folder with the four idx files, uncompressed or gzipped; for `mnist` and `fashion-mnist`",
            unset="the files are downloaded",
            values="a folder",
        ),
    ] = None
    path: Annotated[
        Folder | None,
        documented(
            "file with your own arrays; for `npz`",
            unset="required for `npz`",
            values="a `.npz` file",
        ),
    ] = None
    scale: Annotated[
        Rate | None,
        documented(
            "factor by which your own inputs are multiplied, such as 1/255 for pixels; for `npz`",
            unset="1",
            values="number above 0",
        ),
    ] = None
    fraction: Annotated[
        Share,
        documented(
            "share of the training and of the test inputs that is kept for a quick study, starting with the "
            "first; not for `synthetic`",
            values="above 0, at most 1",
        ),
    ] = 1.0
    scaling: Annotated[
        Literal["all", "feature"],
        documented(
            "range of the 8-bit grid to which your own inputs are rounded if the network is quantized and "
            "the inputs are not whole numbers: the range of `all` features of the training inputs together, "
            "or the range of each `feature`. With `feature`, every network reads (x − low)/(high − low); "
            "for `npz`",
        ),
    ] = "all"
    channels: Annotated[
        Literal["first"] | None,
        documented(
            "`first` if your own images have the shape (N, channels, rows, columns), and this shape could "
            "also be read as (N, rows, columns, channels); for `npz`",
            unset="such a shape is refused",
            values="`first`",
        ),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def named_after_its_kind(cls, values: Any) -> Any:
        return {"kind": values["name"], **values} if values.get("name") in PUBLIC else values

    @model_validator(mode="after")
    def keys_fit_kind(self) -> Self:
        own = {"path", "scale", "fraction", "scaling", "channels"}
        takes = {"npz": own, "synthetic": set[str]()}.get(self.kind, {"folder", "fraction"})
        refuse_others(self, takes, {"folder", *own})
        if self.kind == "npz" and self.path is None:
            raise ValueError("kind npz needs path; add it")
        if self.scaling == "feature" and self.scale is not None:
            raise ValueError("scale has no effect where scaling is feature; remove one of them")
        return self
