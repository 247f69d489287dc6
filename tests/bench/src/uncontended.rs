//! A free lock, taken and given back: what the engine adds to the bare client library.

use crate::arguments::Arguments;
use crate::contender::{Contender, Names, Way};
use crate::figure::{Figures, Limit};
use crate::rig;
use crate::sample::{Sample, median};

/// Rounds in which every contender is measured once; the ratios' medians are taken over them.
const ROUNDS: u32 = 9;

/// One shape of load.
struct Case {
    nodes: usize,
    lanes: usize,
    names: Names,
}

impl Case {
    fn title(&self) -> String {
        let nodes = if self.nodes == 1 {
            "1 node".to_owned()
        } else {
            format!("{} nodes", self.nodes)
        };
        match (self.lanes, self.names) {
            (1, _) => format!("{nodes}, one after the other"),
            (lanes, Names::Kept) => format!("{nodes}, {lanes} at once"),
            (lanes, Names::Fresh) => format!("{nodes}, {lanes} at once, new names"),
        }
    }
}

/// Measures all cases.
pub(crate) fn run(arguments: &Arguments, figures: &mut Figures) {
    for nodes in [1, 3, 5] {
        let servers = rig::servers(nodes);
        let urls = servers.urls();
        let contenders: Vec<Contender> = Way::ALL
            .iter()
            .map(|&way| Contender::new(way, &urls))
            .collect();
        let mut cases = vec![
            Case {
                nodes,
                lanes: 1,
                names: Names::Kept,
            },
            Case {
                nodes,
                lanes: 100,
                names: Names::Kept,
            },
        ];
        if nodes == 5 {
            cases.push(Case {
                nodes,
                lanes: 100,
                names: Names::Fresh,
            });
        }
        for case in cases {
            measure(&case, &contenders, arguments, figures);
        }
    }
}

fn measure(case: &Case, contenders: &[Contender], arguments: &Arguments, figures: &mut Figures) {
    let slice = arguments.span / ROUNDS;
    for contender in contenders {
        contender.round(case.lanes, case.names, usize::MAX, slice / 4);
    }
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); contenders.len()];
    for round in 0..ROUNDS as usize {
        // Another order each time: whoever comes first after a pause shall not always be the same.
        for step in 0..contenders.len() {
            let index = (step + round) % contenders.len();
            let sample = contenders[index].round(case.lanes, case.names, round, slice);
            samples[index].push(sample);
        }
    }
    let title = case.title();
    println!(
        "  {title:<36} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8}",
        "p50 µs", "p99 µs", "ops/s", "CPU µs", "p50 ×", "ops/s ×"
    );
    let of = |index: usize, pick: fn(&Sample) -> f64| median(samples[index].iter().map(pick));
    let ratio = |index: usize, floor: usize, pick: fn(&Sample) -> f64| {
        median(
            samples[index]
                .iter()
                .zip(&samples[floor])
                .map(|(one, floor)| pick(one) / pick(floor)),
        )
    };
    let p50 = |sample: &Sample| sample.micros_at(0.5);
    let p99 = |sample: &Sample| sample.micros_at(0.99);
    for (index, contender) in contenders.iter().enumerate() {
        let (slower, faster) = (ratio(index, 0, p50), ratio(index, 0, Sample::per_second));
        let values = [
            ("p50", of(index, p50), "µs"),
            ("p99", of(index, p99), "µs"),
            ("throughput", of(index, Sample::per_second), "1/s"),
            ("cpu", of(index, Sample::cpu_micros), "µs"),
            ("p50 to floor", slower, "×"),
            ("throughput to floor", faster, "×"),
            ("p50 to fenced floor", ratio(index, 1, p50), "×"),
            (
                "throughput to fenced floor",
                ratio(index, 1, Sample::per_second),
                "×",
            ),
        ];
        println!(
            "    {:<34} {:>9.1} {:>9.1} {:>9.0} {:>8.1} {:>8.2} {:>8.2}",
            contender.way.name(),
            values[0].1,
            values[1].1,
            values[2].1,
            values[3].1,
            slower,
            faster
        );
        figures.add("uncontended", &title, contender.way.name(), &values);
        let promised = matches!(
            contender.way,
            Way::Async | Way::AsyncOnCaller | Way::Blocking
        );
        if promised && case.lanes == 1 {
            let what = format!("p50, {title}, {}", contender.way.name());
            figures.target(what, slower, "× floor", Limit::AtMost(1.25));
        } else if promised && case.names == Names::Kept {
            let what = format!("throughput, {title}, {}", contender.way.name());
            figures.target(what, faster, "× floor", Limit::AtLeast(0.8));
        }
    }
    println!();
}
