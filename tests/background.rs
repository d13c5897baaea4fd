//! Jobs, watching, and answers of standard input.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::world::{World, ran};

#[test]
fn a_job_runs_beside_what_follows_and_is_struck_off_when_it_ends() {
    let world = World::new();
    let code = "
        let id = job spawn --description 'the writer' { 'done' | save job.txt }
        while not ('job.txt' | path exists) { sleep 5ms }
        while (job list | length) > 0 { sleep 5ms }
        $'($id) (open job.txt)'";
    assert_eq!(world.eval(code), "1 done");
}

#[test]
fn a_killed_job_ends_with_its_programs() {
    let world = World::new();
    let code = "
        let id = job spawn { ^sleep 60 }
        while (job list | get pids.0 | length) == 0 { sleep 5ms }
        let pid = job list | get pids.0.0
        job kill $id
        while ($'/proc/($pid)' | path exists) and (open --raw $'/proc/($pid)/stat') !~ ' Z ' { sleep 5ms }
        job list | length";
    assert_eq!(world.eval(code), "0");
    let ran = world.dora(&["-c", "job kill 7"]);
    assert!(ran.err.contains("there is no job 7"), "{}", ran.err);
    let ran = world.dora(&["-c", "job unfreeze"]);
    assert!(ran.err.contains("no job is frozen"), "{}", ran.err);
}

#[test]
fn a_job_that_computes_is_interrupted_too_and_ends_with_the_session() {
    let world = World::new();
    let begun = Instant::now();
    assert_eq!(world.eval("job spawn { loop { } }; job spawn { ^sleep 60 }; sleep 50ms; job list | length"), "2");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(
        world.eval(
            "let id = job spawn { 1..1000000000 | each {|n| $n * 2 } | math sum }; job kill $id; job list | length"
        ),
        "0"
    );
}

#[test]
fn a_failing_job_is_told_of() {
    let ran =
        World::new().dora(&["-c", "job spawn { 1 // 0 }; while (job list | length) > 0 { sleep 5ms }; sleep 20ms"]);
    assert!(ran.code == 0 && ran.err.contains("job 1 failed: [DORA_E302]"), "{}", ran.err);
}

#[test]
fn changes_of_files_are_told_as_they_settle() {
    let world = World::new();
    std::fs::create_dir(world.path().join("d")).expect("a directory");
    let code = "
        job spawn { sleep 100ms; for n in 1..20 { $'($n)' | save --force d/a.yml }; 'x' | save d/b.txt; mv d/a.yml d/c.yml }
        watch d --glob *.yml --debounce 150ms | first 1 | select operation path | to nuon";
    let told = world.eval(code);
    assert!(told.contains("yml"), "{told}");
    let code = "
        job spawn { sleep 100ms; ^touch d/e.txt }
        watch d --debounce 20ms {|op, path| print $'($op) ($path | path basename)'; exit 0 }";
    assert_eq!(world.eval(code), "Create e.txt");
    assert!(world.dora(&["-c", "watch nowhere {|| }"]).err.contains("there is no file `nowhere`"));
}

#[test]
fn something_is_done_again_and_again_until_enough_is_taken() {
    let world = World::new();
    let begun = Instant::now();
    assert_eq!(world.eval("every 20ms { random int 1..1 } | first 4 | math sum"), "4");
    assert!(begun.elapsed() >= Duration::from_millis(60));
    assert_eq!(world.eval("every 1ms { null } | first 0 | length"), "0");
    let ran = world.dora(&["-c", "every 1ms { 1 // 0 }"]);
    assert!(ran.code == 1 && ran.err.contains("DORA_E302"), "{}", ran.err);
}

#[test]
fn lines_of_standard_input_are_the_answers() {
    let world = World::new();
    let code =
        "let a = input 'first? '; let b = input; let c = input --default none; let d = input; [$a $b $c $d] | to nuon";
    let mut child = world.command(&["-c", code]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("dora");
    child.stdin.take().expect("a pipe").write_all("eins\r\nzwei\n\n".as_bytes()).expect("written");
    let ran = ran(child.wait_with_output().expect("its end"));
    assert_eq!((ran.out.trim(), ran.err.as_str()), ("[eins, zwei, none, null]", ""));
}

#[test]
fn the_machine_tells_of_itself() {
    let world = World::new();
    assert_eq!(world.eval("sys mem | $in.total >= $in.available and $in.total > 0b"), "true");
    assert_eq!(world.eval("sys cpu | all {|cpu| $cpu.cpu_usage >= 0 and $cpu.cpu_usage <= 110 }"), "true");
    assert_eq!(world.eval("sys host | $in.uptime > 0sec and $in.boot_time < (date now)"), "true");
    assert_eq!(world.eval("sys disks | all {|disk| $disk.free <= $disk.total }"), "true");
    assert_eq!(world.eval("sys net | where name == lo | get ip.0 | any {|ip| $ip.loopback }"), "true");
    assert_eq!(world.eval("sys users | any {|user| $user.name == root }"), "true");
    assert_eq!(world.eval("sys temp | all {|part| $part.unit != '' }"), "true");
    assert_eq!(
        world.eval(
            "sys processes --long | where pid == (^sh -c 'echo $PPID' | into int) | get command.0 | str contains dora"
        ),
        "true"
    );
    let ran = world.dora(&["-c", "term size"]);
    assert!(ran.err.contains("DORA_E332"), "{}", ran.err);
}

#[test]
fn room_on_the_disk_is_counted_once_for_each_file() {
    let world = World::new();
    std::fs::create_dir_all(world.path().join("d/inner")).expect("directories");
    world.write("d/a.bin", &"x".repeat(10_000));
    world.write("d/inner/b.bin", &"x".repeat(5_000));
    std::fs::hard_link(world.path().join("d/a.bin"), world.path().join("d/again.bin")).expect("a link");
    let files = "du d --long | get 0 | $in.files | get apparent | math sum";
    assert_eq!(world.eval(files), "10.0 kB");
    assert_eq!(world.eval("du d/a.bin d/inner/b.bin | get apparent | math sum | into int"), "15000");
    assert_eq!(world.eval("du d --long --max-depth 1 | get 0.directories.0.path"), "d/inner");
    let without = "(du d | get 0.apparent) - (du d --exclude inner | get 0.apparent) >= 5kb";
    assert_eq!(world.eval(without), "true");
    assert!(world.dora(&["-c", "du nowhere"]).err.contains("DORA_E402"));
}
