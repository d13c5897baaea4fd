//! Who gets how many columns of the terminal.

/// What one column of a table would like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The column's name.
    pub header: usize,
    /// Nine cells out of ten are no wider than this.
    pub usual: usize,
    /// The widest cell or the name.
    pub widest: usize,
    /// Whether cells must not be cut while other columns could be left out instead.
    pub rigid: bool,
}

/// A column is not squeezed below this while others could be left out instead.
const SMALLEST: usize = 6;

impl Wish {
    /// Measures a column.
    pub fn of(header: usize, mut cells: Vec<usize>, rigid: bool) -> Wish {
        let widest = cells.iter().copied().max().unwrap_or(0).max(header);
        let at = (cells.len() * 9).div_ceil(10).saturating_sub(1);
        let usual = if cells.is_empty() { 0 } else { *cells.select_nth_unstable(at).1 };
        Wish { header, usual: usual.max(header), widest, rigid }
    }

    fn floor(self) -> usize {
        let least = if self.rigid { self.widest } else { self.usual.min(SMALLEST) };
        self.header.max(least).min(self.widest).max(1)
    }
}

/// Widths for as many leading columns as fit into `room`, which is without frame and padding: `overhead`
/// columns of it go to each column shown. The first `keep` columns are always shown.
///
/// Every column gets at least its name; then what is left is poured over all like water into glasses, first up
/// to what nine cells out of ten need, then up to the widest. When not even names fit, the last columns are
/// left out, and only when the ones to keep are too wide are they squeezed below their names.
pub(crate) fn solve(wishes: &[Wish], room: usize, overhead: usize, keep: usize) -> Vec<usize> {
    let keep = keep.clamp(1, wishes.len().max(1));
    let mut shown = wishes.len();
    let needs = |shown: usize| wishes[..shown].iter().map(|wish| wish.floor() + overhead).sum::<usize>();
    while shown > keep && needs(shown) > room {
        shown -= 1;
    }
    let wishes = &wishes[..shown];
    let room = room.saturating_sub(overhead * shown);
    let floors: Vec<usize> = wishes.iter().map(|wish| wish.floor()).collect();
    if floors.iter().sum::<usize>() > room {
        return pour(&vec![1; shown], &floors, room);
    }
    let usual: Vec<usize> = wishes.iter().map(|wish| wish.usual.max(wish.floor())).collect();
    if usual.iter().sum::<usize>() > room {
        return pour(&floors, &usual, room);
    }
    let widest: Vec<usize> = wishes.iter().map(|wish| wish.widest.max(wish.usual)).collect();
    pour(&usual, &widest, room)
}

/// Raises all widths from `from` together, none beyond its `to`, until `room` is used up.
fn pour(from: &[usize], to: &[usize], room: usize) -> Vec<usize> {
    let at_level = |level: usize| -> Vec<usize> {
        from.iter().zip(to).map(|(from, to)| level.clamp(*from, *to.max(from))).collect()
    };
    let (mut low, mut high) = (0, to.iter().copied().max().unwrap_or(0));
    while low < high {
        let middle = (low + high).div_ceil(2);
        if at_level(middle).iter().sum::<usize>() <= room {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let mut widths = at_level(low);
    let mut left = room.saturating_sub(widths.iter().sum());
    for (width, to) in widths.iter_mut().zip(to) {
        if left > 0 && *width < *to {
            *width += 1;
            left -= 1;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(header: usize, usual: usize, widest: usize) -> Wish {
        Wish { header, usual, widest, rigid: false }
    }

    #[test]
    fn all_get_what_they_want_when_there_is_room() {
        assert_eq!(solve(&[wish(2, 10, 12), wish(3, 3, 3)], 80, 3, 1), [12, 3]);
    }

    #[test]
    fn one_long_column_gives_way_to_the_short_ones() {
        assert_eq!(solve(&[wish(4, 10, 10), wish(7, 300, 400), wish(4, 8, 8)], 60, 3, 1), [10, 33, 8]);
    }

    #[test]
    fn one_outlier_does_not_take_room_from_a_column_that_is_usually_wide() {
        assert_eq!(solve(&[wish(4, 20, 20), wish(4, 10, 500)], 50, 3, 1), [20, 24]);
    }

    #[test]
    fn last_columns_are_left_out_before_any_is_narrower_than_its_name() {
        let ten = [wish(12, 12, 12); 10];
        assert_eq!(solve(&ten, 80, 3, 1), [12; 5]);
    }

    #[test]
    fn numbers_and_moments_are_shown_whole_or_not_at_all() {
        let moment = Wish { rigid: true, ..wish(7, 24, 24) };
        assert_eq!(solve(&[wish(4, 30, 30), moment, moment], 50, 3, 1), [20, 24]);
    }

    #[test]
    fn columns_to_keep_are_squeezed_when_nothing_else_helps() {
        assert_eq!(solve(&[wish(3, 3, 3), wish(30, 30, 30), wish(30, 30, 30)], 20, 3, 2), [3, 11]);
        assert_eq!(solve(&[wish(30, 30, 30)], 0, 3, 1), [1]);
    }

    proptest::proptest! {
        #[test]
        fn widths_fit_whenever_they_can(raw in proptest::collection::vec((1usize..30, 0usize..60, 0usize..60), 1..12),
                                        room in 8usize..200) {
            let wishes: Vec<Wish> =
                raw.iter().map(|&(h, u, w)| wish(h, h.max(u), h.max(u).max(w))).collect();
            let widths = solve(&wishes, room, 3, 2.min(wishes.len()));
            proptest::prop_assert!(widths.iter().sum::<usize>() + widths.len() * 3 <= room);
            proptest::prop_assert!(widths.iter().all(|width| *width >= 1));
            proptest::prop_assert!(widths.iter().zip(&wishes).all(|(width, wish)| *width <= wish.widest));
        }
    }
}
