//! Disks that take no writes, or take them and keep nothing.

use super::*;

/// Puts something in the way of the next segment, so that no write succeeds once this one is full.
async fn blocked(world: &World, trail: &Trail) -> PathBuf {
    let next = folder::segment(&world.folder(), world.segments().len() as u64 + 1);
    fs::create_dir(&next).unwrap();
    for _ in 0..100 {
        if trail.record(world.record(0)).await.is_err() || trail.metrics().failing {
            return next;
        }
    }
    panic!("the segment is never full");
}

#[tokio::test]
async fn while_nothing_can_be_written_nothing_is_done_and_what_was_done_is_told_late() {
    let world = World::new().await;
    let trail = world.open().unwrap();
    trail.record(world.record(0)).await.unwrap();
    let obstacle = blocked(&world, &trail).await;
    assert!(trail.check().await.is_err());
    let refused = Failure::from(trail.record(world.record(1)).await.unwrap_err());
    assert_eq!(refused.code, strongroom_model::failure::FailureCode::ServiceUnavailable);
    assert!(trail.record_fact(world.record(2)).await.is_err());
    assert!(trail.record_known(world.record(3)).await.is_err());
    fs::remove_dir(obstacle).unwrap();
    trail.check().await.unwrap();
    assert!(!trail.metrics().failing);
    drop(trail);
    assert_eq!(world.verify().problem_count, 0);
    let objects = world.objects(&AuditFilter::default());
    assert!(objects.contains(&"object 2".to_owned()), "it was done before it could be told");
    for refused in ["object 1", "object 3"] {
        assert!(!objects.contains(&refused.to_owned()), "it was refused, and did not happen");
    }
}

#[tokio::test]
async fn the_operator_may_choose_to_go_on_without() {
    let mut world = World::new().await;
    world.config.on_failure = OnFailure::Continue;
    let trail = world.open().unwrap();
    trail.record(world.record(0)).await.unwrap();
    let obstacle = blocked(&world, &trail).await;
    trail.check().await.unwrap();
    trail.record(world.record(1)).await.unwrap();
    assert!(trail.metrics().failing);
    fs::remove_dir(obstacle).unwrap();
    trail.record(world.record(2)).await.unwrap();
    drop(trail);
    let objects = world.objects(&AuditFilter::default());
    assert!(objects.contains(&"object 1".to_owned()) && objects.contains(&"object 2".to_owned()));
    assert_eq!(world.verify().problem_count, 0);
}

/// The first segment is begun anew, with its opening, if it could not be synced.
#[tokio::test]
async fn a_first_segment_that_cannot_be_synced_is_begun_again() {
    let world = World::new().await;
    drop(world.open().unwrap());
    let mut writer = world.writer(recovery::Position::start());
    let (asked, answered) = world.ask(0, true);
    writer.serve(vec![asked]);
    assert!(answered.await.unwrap().is_ok());
    // As if the sync had failed: what is known to be on the disk is nothing, and the file cannot be synced.
    writer.synced = recovery::Position::start();
    writer.file = Some(fs::OpenOptions::new().append(true).open("/dev/null").unwrap());
    let (asked, refused) = world.ask(1, true);
    writer.position.length = 0;
    writer.serve(vec![asked]);
    assert!(refused.await.unwrap().is_err());
    assert!(writer.file.is_none() && writer.position == recovery::Position::start());
    let (asked, answered) = world.ask(2, true);
    writer.serve(vec![asked]);
    assert!(answered.await.unwrap().is_ok());
    assert_eq!(world.verify().problems, []);
    assert_eq!(world.objects(&AuditFilter::default()), ["object 2"]);
}

/// After a sync that failed nobody knows what the disk has, so that what was answered is written again. The device in
/// the place of a file takes every write, and cannot be synced.
#[tokio::test]
async fn what_was_answered_is_written_again_after_a_failed_sync() {
    let world = World::filled().await;
    let there = world.end();
    let nowhere = recovery::Position { length: 0, ..there.clone() };
    let mut writer = world.writer(nowhere.clone());
    writer.file = Some(fs::OpenOptions::new().append(true).open("/dev/null").unwrap());
    let ((known, answered), (asked, refused)) = (world.ask(100, false), world.ask(101, true));
    writer.serve(vec![known, asked]);
    assert!(answered.await.unwrap().is_ok());
    assert!(refused.await.unwrap().is_err(), "it is not on the disk, and is not done");
    assert!(writer.position == nowhere && writer.state.failing.load(Ordering::SeqCst));
    let segment = folder::segment(&world.folder(), there.segment);
    writer.file = Some(writer::append_only(&segment, false).unwrap());
    (writer.position, writer.synced) = (there.clone(), there);
    let (asked, answered) = world.ask(102, true);
    writer.serve(vec![asked]);
    assert!(answered.await.unwrap().is_ok());
    let (known, answered) = world.ask(103, false);
    writer.serve(vec![known]);
    assert!(answered.await.unwrap().is_ok());
    assert!(writer.synced != writer.position, "nobody waited for the disk");
    writer.state.failing.store(true, Ordering::SeqCst);
    writer.settle();
    assert!(writer.synced == writer.position);
    assert!(writer.state.failing.load(Ordering::SeqCst), "that something old could be synced says nothing");
    assert_eq!(world.verify().problems, []);
    let objects = world.objects(&AuditFilter::default());
    assert_eq!(objects[30..], ["object 100", "object 102", "object 103"]);
}
