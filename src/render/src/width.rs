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
    /// Whether no cell says anything.
    pub empty: bool,
}

/// Text is easily read at this width, or at two fifths of a wide terminal: to give it as much, columns that matter
/// less are left out.
const COMFORTABLE: usize = 32;
/// The last column that is shown may be as narrow as this when its text is longer.
const NARROW: usize = 12;

impl Wish {
    /// Measures a column.
    pub fn of(header: usize, mut cells: Vec<usize>, rigid: bool) -> Wish {
        let widest = cells.iter().copied().max().unwrap_or(0).max(header);
        let at = (cells.len() * 9).div_ceil(10).saturating_sub(1);
        let empty = !cells.is_empty() && cells.iter().all(|width| *width == 0);
        let usual = if cells.is_empty() { 0 } else { *cells.select_nth_unstable(at).1 };
        Wish { header, usual: usual.max(header), widest, rigid, empty }
    }

    /// What it gets at least when it may have `enough` of a long text.
    fn at_least(self, enough: usize) -> usize {
        let least = if self.rigid { self.widest } else { self.usual.min(enough) };
        self.header.max(least).min(self.widest).max(1)
    }
}

/// Widths for the columns that fit into `room`, which is without frame and padding: `overhead` columns of it go
/// to each column shown. A width of 0 leaves a column out. The first `keep` columns are always shown.
///
/// Columns stand in the order of their importance. While not all can be read with ease, those that are empty are
/// left out, then the last ones; the last one that stays may be narrower than the others. What is left over is
/// poured over all like water into glasses, first up to what nine cells out of ten need, then up to the widest.
/// Only when the ones to keep are too wide by themselves are they squeezed below their names.
pub(crate) fn solve(wishes: &[Wish], room: usize, overhead: usize, keep: usize) -> Vec<usize> {
    let keep = keep.clamp(1, wishes.len().max(1));
    let comfortable = COMFORTABLE.max(room * 2 / 5);
    let mut least: Vec<usize> = wishes.iter().map(|wish| wish.at_least(comfortable)).collect();
    let taken = |least: &[usize]| least.iter().filter(|width| **width > 0).map(|width| width + overhead).sum::<usize>();
    while taken(&least) > room {
        let shown = || (keep..wishes.len()).rev().filter(|at| least[*at] > 0);
        let Some(last) = shown().find(|at| wishes[*at].empty).or_else(|| shown().next()) else { break };
        least[last] = 0;
        let narrow = wishes[last].at_least(NARROW);
        if !wishes[last].empty && taken(&least) + narrow + overhead <= room {
            least[last] = narrow;
        }
    }
    let shown: Vec<usize> = (0..wishes.len()).filter(|at| least[*at] > 0).collect();
    let room = room.saturating_sub(overhead * shown.len());
    let of_shown = |width: &dyn Fn(usize) -> usize| shown.iter().map(|at| width(*at)).collect::<Vec<usize>>();
    let steps = [
        of_shown(&|_| 1),
        of_shown(&|at| least[at]),
        of_shown(&|at| wishes[at].usual.max(least[at])),
        of_shown(&|at| wishes[at].widest.max(wishes[at].usual)),
    ];
    let fits = |widths: &[usize]| widths.iter().sum::<usize>() <= room;
    let step = (1..steps.len() - 1).take_while(|step| fits(&steps[*step])).last().unwrap_or(0);
    let mut widths = vec![0; wishes.len()];
    for (at, width) in shown.iter().zip(pour(&steps[step], &steps[step + 1], room)) {
        widths[*at] = width;
    }
    widths
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
        Wish { header, usual, widest, rigid: false, empty: false }
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
    fn the_last_columns_are_left_out_so_that_the_first_can_be_read() {
        let ten = [wish(12, 12, 12); 10];
        assert_eq!(solve(&ten, 80, 3, 1), [12, 12, 12, 12, 12, 0, 0, 0, 0, 0]);
        let log = [wish(4, 12, 12), wish(4, 6, 6), wish(7, 100, 100), wish(6, 7, 7), wish(6, 9, 9)];
        assert_eq!(solve(&log, 68, 3, 1), [12, 6, 41, 0, 0]);
        assert_eq!(solve(&log, 70, 3, 1), [12, 6, 33, 7, 0]);
    }

    #[test]
    fn the_last_column_that_stays_may_be_narrow() {
        assert_eq!(solve(&[wish(4, 20, 20), wish(4, 50, 60), wish(4, 4, 4)], 40, 3, 1), [20, 14, 0]);
        assert_eq!(solve(&[wish(4, 20, 20), wish(4, 50, 60), wish(4, 4, 4)], 37, 3, 1), [20, 0, 0]);
    }

    #[test]
    fn empty_columns_are_left_out_first() {
        let empty = Wish { empty: true, ..wish(5, 5, 5) };
        assert_eq!(solve(&[wish(4, 8, 8), empty, wish(6, 10, 10), empty], 24, 3, 1), [8, 0, 10, 0]);
        assert_eq!(solve(&[wish(4, 8, 8), empty, wish(6, 10, 10)], 40, 3, 1), [8, 5, 10]);
    }

    #[test]
    fn numbers_and_moments_are_shown_whole_or_not_at_all() {
        let moment = Wish { rigid: true, ..wish(7, 24, 24) };
        assert_eq!(solve(&[wish(4, 30, 30), moment, moment], 62, 3, 1), [30, 24, 0]);
        assert_eq!(solve(&[wish(4, 30, 30), moment, moment], 50, 3, 1), [30, 0, 0]);
    }

    #[test]
    fn columns_to_keep_are_squeezed_when_nothing_else_helps() {
        assert_eq!(solve(&[wish(3, 3, 3), wish(30, 30, 30), wish(30, 30, 30)], 20, 3, 2), [3, 11, 0]);
        assert_eq!(solve(&[wish(30, 30, 30)], 0, 3, 1), [1]);
    }

    proptest::proptest! {
        #[test]
        fn widths_fit_whenever_they_can(raw in proptest::collection::vec((1usize..30, 0usize..60, 0usize..60), 1..12),
                                        room in 8usize..200) {
            let wishes: Vec<Wish> =
                raw.iter().map(|&(h, u, w)| wish(h, h.max(u), h.max(u).max(w))).collect();
            let widths = solve(&wishes, room, 3, 2.min(wishes.len()));
            let shown = widths.iter().filter(|width| **width > 0).count();
            proptest::prop_assert!(widths.iter().sum::<usize>() + shown * 3 <= room);
            proptest::prop_assert!(widths[0] >= 1);
            proptest::prop_assert!(widths.iter().zip(&wishes).all(|(width, wish)| *width <= wish.widest));
        }
    }
}
