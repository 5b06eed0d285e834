"""Margins: how much of a phase counts."""

from typing import NamedTuple

import pandas as pd

from infoplane.statistics.phases import COMPRESSION_MARGIN, FITTING_MARGIN

__all__ = ["DEFAULT", "MARGINS", "Margin"]


class Margin(NamedTuple):
    """What compression and fitting of a run have to exceed.

    Attributes:
        compression: in bits, or as a share of the peak of I(X;T).
        fitting: in bits, or as a share of the headroom.
        relative: whether both are shares.
    """

    compression: float
    fitting: float
    relative: bool = False

    @property
    def name(self) -> str:
        """The margin of compression with its unit.

        >>> DEFAULT.name, MARGINS[-1].name
        ('0.1 bit', '5 %')
        """
        return f"{self.compression:.0%}".replace("%", " %") if self.relative else f"{self.compression:g} bit"

    @property
    def unit(self) -> str:
        return "share" if self.relative else "bit"

    def limit(self, margin: float, whole: pd.Series) -> pd.Series:
        """A margin in bits, for each run: a share is one of the whole.

        >>> MARGINS[-1].limit(0.05, pd.Series([2.0, 4.0])).tolist()
        [0.1, 0.2]
        """
        return margin * (whole if self.relative else pd.Series(1.0, whole.index))


DEFAULT = Margin(COMPRESSION_MARGIN, FITTING_MARGIN)
BITS = (0.02, 0.05, 0.1, 0.2, 0.5)
SHARES = (0.01, 0.02, 0.05)
# Fitting is asked for a tenth of the bits of compression, or for the same share
MARGINS = (
    *(Margin(bits, bits / 10) for bits in BITS),
    *(Margin(share, share, relative=True) for share in SHARES),
)
