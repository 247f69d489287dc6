//! Figures, the targets some of them have, and how both are shown.

use crate::json;
use crate::machine::Machine;

/// One measured value.
struct Figure {
    bench: &'static str,
    case: String,
    who: String,
    measure: &'static str,
    value: f64,
    unit: &'static str,
}

/// What a figure should reach.
struct Target {
    what: String,
    value: f64,
    unit: &'static str,
    limit: Limit,
}

/// Which side of a limit is the good one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// Not more than this.
    AtMost(f64),
    /// Not less than this.
    AtLeast(f64),
}

impl Limit {
    fn is_met(self, value: f64) -> bool {
        match self {
            Limit::AtMost(limit) => value <= limit,
            Limit::AtLeast(limit) => value >= limit,
        }
    }
}

/// All figures of a run.
pub(crate) struct Figures {
    machine: Machine,
    figures: Vec<Figure>,
    targets: Vec<Target>,
}

impl Figures {
    /// None yet.
    pub(crate) fn new(machine: Machine) -> Self {
        println!(
            "{} cores of {}, Linux {}, {}, load {:.1} per core",
            machine.cores, machine.processor, machine.kernel, machine.server, machine.load
        );
        Figures {
            machine,
            figures: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Keeps what `who` reached in one case.
    pub(crate) fn add(
        &mut self,
        bench: &'static str,
        case: &str,
        who: &str,
        values: &[(&'static str, f64, &'static str)],
    ) {
        let (case, who) = (case.to_owned(), who.to_owned());
        self.figures
            .extend(values.iter().map(|&(measure, value, unit)| Figure {
                bench,
                case: case.clone(),
                who: who.clone(),
                measure,
                value,
                unit,
            }));
    }

    /// Keeps what was promised beside what was reached.
    pub(crate) fn target(&mut self, what: String, value: f64, unit: &'static str, limit: Limit) {
        self.targets.push(Target {
            what,
            value,
            unit,
            limit,
        });
    }

    /// Shows every target with the figure that was reached.
    pub(crate) fn print_targets(&self) {
        if self.targets.is_empty() {
            return;
        }
        println!("\ntargets\n");
        for Target {
            what,
            value,
            unit,
            limit,
        } in &self.targets
        {
            let verdict = if limit.is_met(*value) {
                "met"
            } else {
                "NOT MET"
            };
            let limit = match limit {
                Limit::AtMost(limit) => format!("at most {limit}"),
                Limit::AtLeast(limit) => format!("at least {limit}"),
            };
            println!("  {what:<58} {value:>8.2} {unit:<12} {limit:<14} {verdict}");
        }
    }

    /// Everything as JSON.
    pub(crate) fn to_json(&self) -> String {
        let machine = json::object(&[
            ("processor", json::string(&self.machine.processor)),
            ("cores", self.machine.cores.to_string()),
            ("kernel", json::string(&self.machine.kernel)),
            ("server", json::string(&self.machine.server)),
            ("load_per_core", json::number(self.machine.load)),
        ]);
        let figures = self.figures.iter().map(|figure| {
            json::object(&[
                ("bench", json::string(figure.bench)),
                ("case", json::string(&figure.case)),
                ("who", json::string(&figure.who)),
                ("measure", json::string(figure.measure)),
                ("value", json::number(figure.value)),
                ("unit", json::string(figure.unit)),
            ])
        });
        let targets = self.targets.iter().map(|target| {
            let (side, limit) = match target.limit {
                Limit::AtMost(limit) => ("at_most", limit),
                Limit::AtLeast(limit) => ("at_least", limit),
            };
            json::object(&[
                ("what", json::string(&target.what)),
                ("value", json::number(target.value)),
                ("unit", json::string(target.unit)),
                (side, json::number(limit)),
                ("met", target.limit.is_met(target.value).to_string()),
            ])
        });
        format!(
            "{{\n\"machine\": {machine},\n\"targets\": {},\n\"figures\": {}\n}}\n",
            json::lines(targets),
            json::lines(figures)
        )
    }
}
