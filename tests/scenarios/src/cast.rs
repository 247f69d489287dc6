//! Who plays whom: every scenario by every player alone, and mixed so that each meets each other.

use std::sync::Arc;

use crate::case::Case;
use crate::player::Player;

/// Mixed runs of a scenario; over all scenarios every ordered pair of players comes up.
const MIXED_RUNS: usize = 2;

/// One scenario, with a player for each of its actors.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) case: Arc<Case>,
    pub(crate) cast: Vec<Player>,
    /// `name × players`
    pub(crate) name: String,
}

/// Every run there is, the order fixed by scenarios and players alone.
pub(crate) fn runs(cases: Vec<Case>, players: &[Player], alone: bool, mixed: bool) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut pairs = pairs(players.len()).into_iter().cycle();
    for case in cases.into_iter().map(Arc::new) {
        let actors = case.actors.len();
        if alone {
            for player in players {
                let cast = vec![player.clone(); actors];
                runs.push(Run {
                    case: Arc::clone(&case),
                    cast,
                    name: format!("{} × {}", case.name, player.name),
                });
            }
        }
        let count = match (actors, players.len()) {
            (0 | 1, _) | (_, 0 | 1) => 0,
            (_, players) if case.all_pairs => players * (players - 1),
            _ => MIXED_RUNS,
        };
        for (first, second) in pairs.by_ref().take(count) {
            let member = |actor: usize| match actor {
                0 => &players[first],
                // Whoever follows, with nobody twice as long as there are enough.
                _ => {
                    &players
                        [(second + rank(actor - 1, first, second, players.len())) % players.len()]
                }
            };
            let cast: Vec<Player> = (0..actors).map(|actor| member(actor).clone()).collect();
            let names: Vec<&str> = cast.iter().map(|player| player.name.as_str()).collect();
            let name = format!("{} × {}", case.name, names.join(" + "));
            if mixed {
                runs.push(Run {
                    case: Arc::clone(&case),
                    cast,
                    name,
                });
            }
        }
    }
    runs
}

/// Every ordered pair of two different ones, neighbours first.
fn pairs(count: usize) -> Vec<(usize, usize)> {
    let distances = 1..count.max(1);
    distances
        .flat_map(|distance| (0..count).map(move |first| (first, (first + distance) % count)))
        .collect()
}

/// How far behind `second` the actor number `step` after it stands, passing over `first`.
fn rank(step: usize, first: usize, second: usize, count: usize) -> usize {
    let gap = (first + count - second) % count;
    if step >= gap { step + 1 } else { step }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn player(name: &str) -> Player {
        Player {
            name: name.to_owned(),
            language: name.to_owned(),
            command: Vec::new(),
            cannot: Vec::new(),
        }
    }

    fn case(name: &str, actors: usize, all_pairs: bool) -> Case {
        Case {
            name: name.to_owned(),
            about: String::new(),
            actors: (0..actors).map(|actor| format!("a{actor}")).collect(),
            servers: toml::from_str("").expect("defaults"),
            client: None,
            all_pairs,
            leaves_locks: false,
            steps: Vec::new(),
        }
    }

    #[test]
    fn everybody_meets_everybody_and_nobody_plays_twice() {
        let players = ["a", "b", "c", "d", "e", "f"].map(player);
        let cases = (0..15)
            .map(|index| case(&index.to_string(), 4, false))
            .collect();
        let mixed = runs(cases, &players, false, true);
        assert_eq!(mixed.len(), 30);
        let met: BTreeSet<_> = mixed
            .iter()
            .map(|run| (&run.cast[0].name, &run.cast[1].name))
            .collect();
        assert_eq!(met.len(), 30);
        for run in &mixed {
            let names: BTreeSet<_> = run.cast.iter().map(|player| &player.name).collect();
            assert_eq!(names.len(), 4, "{}", run.name);
        }
    }

    #[test]
    fn alone_is_one_run_per_player_and_pairs_are_all() {
        let players = ["a", "b", "c"].map(player);
        let all = runs(
            vec![case("x", 1, false), case("y", 2, true)],
            &players,
            true,
            true,
        );
        let names: Vec<&str> = all.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names.len(), 3 + 3 + 6, "{names:?}");
        assert!(names.contains(&"y × c + a") && names.contains(&"x × b"));
    }
}
