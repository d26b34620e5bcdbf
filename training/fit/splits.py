"""Splits: out of time and out of account, with a gap as long as the horizon, because labels count only once they were known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.common.types import Examples, Flags

Rows = npt.NDArray[np.intp]
Ints = npt.NDArray[np.int64]

FOLDS = 3
FIRST_SHARE = 0.45  # of the rarer outcomes in time are only ever trained on
HOLDOUT_SHARE = 0.3  # of the accounts are kept for the later side where accounts straddle a cut
FOLD_SHARE = 0.35  # the same inside training, where each fold draws anew
FEW_STRADDLE = 0.1  # of the later rows; so few are simply dropped
GAP_COST = 0.25
MIN_OUTCOMES = 25  # of the rarer outcome, to train a fold on


@dataclass(frozen=True)
class Fold:
    """Rows to train on and later rows of other accounts to predict; `gap`: all training labels were known by then."""

    train: Rows
    validation: Rows
    gap: bool


def draw(account: Ints, salt: int = 0) -> npt.NDArray[np.float64]:
    """A number in [0, 1) per account, always the same (a multiplicative hash, Knuth 6.4); another salt, another number."""
    mixed = (account.astype(np.uint64) + np.uint64(1 + 1_000_003 * salt)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return ((mixed * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(11)) / float(1 << 53)


def separate_accounts(
    train_rows: Flags, test_rows: Flags, account: Ints, share: float = HOLDOUT_SHARE, salt: int = 0
) -> tuple[Flags, Flags]:
    """Drop rows until no account is on both sides (data leakage), without looking at what became of it.

    Whether an account still has rows after the cut depends on the outcome (who converts early is gone), so early rows may
    not be dropped for it: that would leave too many converts to learn from. Where few accounts straddle, their late rows
    go. Else a `share` of the accounts, drawn by chance, is kept out of the early side, and the late side is all that is not
    in the early one.
    """
    size = int(account.max()) + 1 if len(account) else 0
    if _count(test_rows & _account_mask(train_rows, account, size)[account]) > FEW_STRADDLE * _count(test_rows):
        train_rows = train_rows & (draw(account, salt) >= share)
    return train_rows, test_rows & ~_account_mask(train_rows, account, size)[account]


def _account_mask(rows: Flags, account: Ints, size: int) -> Flags:
    mask = np.zeros(size, bool)
    mask[account[rows]] = True
    return mask


def _count(rows: Flags) -> int:
    return int(np.count_nonzero(rows))


def cut_for(as_of: Ints, matured: Flags, share: float) -> int:
    """The moment after which the newest `share` of the matured landmarks lie."""
    return int(np.quantile(as_of[matured], 1 - share, method="higher"))


def forward_folds(examples: Examples) -> list[Fold]:
    """Forward-chaining cross-validation: `FOLDS` blocks in time, each predicted from the past, out of account, with the gap
    where data allow.

    The blocks hold equal numbers of the rarer outcome, which is what can be learned from: where hardly anybody converted in
    the first year, blocks of equal rows would leave nothing to train on.

    With a gap, only labels known when the block began are trained on. Where that costs more than `GAP_COST` of the rows, a
    learner of a third of the size would be judged instead of the real one; the past is then used without the gap, out of
    account all the same. Where even that is too little, plain folds by account are used.
    """
    rarer = examples.as_of[examples.y if examples.y.mean() <= 0.5 else ~examples.y]
    if not len(rarer):
        return _by_account(examples)
    edges = np.quantile(rarer, np.linspace(FIRST_SHARE, 1, FOLDS + 1), method="lower")
    gapped, plain = ([_forward(examples, edges, number, gap=gap) for number in range(FOLDS)] for gap in (True, False))
    rows = [sum(len(fold.train) for fold in folds) for folds in (gapped, plain)]
    if rows[0] >= (1 - GAP_COST) * rows[1] and all(_is_trainable(examples, fold) for fold in gapped):
        return gapped
    return plain if all(_is_trainable(examples, fold) for fold in plain) else _by_account(examples)


def _forward(examples: Examples, edges: npt.NDArray[np.generic], number: int, *, gap: bool) -> Fold:
    low, high = int(edges[number]), int(edges[number + 1])
    train_rows = examples.known_at <= low if gap else examples.as_of < low
    validation_rows = (examples.as_of >= low) & ((examples.as_of < high) | (number == FOLDS - 1))
    train_rows, validation_rows = separate_accounts(
        train_rows, validation_rows, examples.account, share=FOLD_SHARE, salt=number + 1
    )
    return Fold(np.flatnonzero(train_rows), np.flatnonzero(validation_rows), gap)


def _is_trainable(examples: Examples, fold: Fold) -> bool:
    y = examples.y[fold.train]
    return min(int(y.sum()), int((~y).sum())) >= MIN_OUTCOMES and len(fold.validation) > 0


def _by_account(examples: Examples) -> list[Fold]:
    _, code = np.unique(examples.account, return_inverse=True)
    part = np.random.default_rng(7).permutation(int(code.max()) + 1)[code] % FOLDS
    folds = [Fold(np.flatnonzero(part != k), np.flatnonzero(part == k), gap=False) for k in range(FOLDS)]
    all_rows = np.arange(len(code))  # a single account has no other to be judged on; so little data only move the rules' points
    return [f for f in folds if len(f.train) and len(f.validation)] or [Fold(all_rows, all_rows, gap=False)]
