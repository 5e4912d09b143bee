//! A service manager and its datagrams: what the program tells whoever supervises it.

use std::os::unix::net::UnixDatagram;

use crate::house::{HANGING, House, Process, Watched, observing, program};

/// The end of a socket at which a service manager listens.
struct Manager {
    socket: UnixDatagram,
    path: tempfile::TempDir,
}

impl Manager {
    fn listening() -> Self {
        let path = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(path.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(HANGING)).unwrap();
        Self { socket, path }
    }

    /// Starts the daemon as a service, which is to give a sign of life within so many microseconds.
    fn start(&self, house: &House, watchdog: Option<&str>) -> Process {
        let mut command = program();
        command.arg("--config").arg(house.config()).arg("run");
        command.env("NOTIFY_SOCKET", self.path.path().join("notify"));
        match watchdog {
            Some(time) => command.env("WATCHDOG_USEC", time),
            None => command.env_remove("WATCHDOG_USEC"),
        };
        command.env_remove("WATCHDOG_PID");
        Process::start(command)
    }

    fn next(&self) -> String {
        let mut datagram = [0; 4096];
        let length = self.socket.recv(&mut datagram).unwrap();
        String::from_utf8(datagram[..length].to_vec()).unwrap()
    }

    /// The next one that is no sign of life.
    fn next_news(&self) -> String {
        loop {
            let datagram = self.next();
            if datagram != "WATCHDOG=1\n" {
                return datagram;
            }
        }
    }

    /// Waits for one that begins like this, past signs of life and lines about how it goes.
    fn wait_for(&self, beginning: &str) -> String {
        loop {
            let news = self.next_news();
            if news.starts_with(beginning) {
                return news;
            }
            assert!(news.starts_with("STATUS="), "{news:?} before {beginning:?}");
        }
    }
}

#[test]
fn systemd_is_told_of_start_status_reload_progress_and_end() {
    let sandbox = Watched::small();
    let policy = observing(&sandbox.endpoint);
    let house = House::new(&policy);
    let manager = Manager::listening();
    let mut daemon = manager.start(&house, Some("200000"));
    assert_eq!(manager.next_news(), "READY=1\n");
    let status = manager.next_news();
    assert!(status.starts_with("STATUS=3 sessions, "), "{status}");
    assert!(status.contains(" studios held; next scan at 20"), "{status}");
    // Whatever the log was before, it is this process's now.
    assert!(house.log().exists());
    for _ in 0..3 {
        while manager.next() != "WATCHDOG=1\n" {}
    }

    house.write(&policy.replace("lease = \"30m\"", "lease = \"40m\""));
    daemon.signal("HUP");
    let reloading = manager.wait_for("RELOADING=1\n");
    let time = reloading.lines().nth(1).unwrap().strip_prefix("MONOTONIC_USEC=").unwrap();
    assert!(time.parse::<u64>().unwrap() > 0);
    manager.wait_for("READY=1\n");

    house.write("version = 7");
    daemon.signal("HUP");
    manager.wait_for("RELOADING=1\n");
    manager.wait_for("READY=1\n");
    daemon.wait_for("refused; the old policy stays in force");

    daemon.signal("TERM");
    manager.wait_for("STOPPING=1\n");
    assert_eq!(daemon.finish().code, Some(0));
}

#[test]
fn without_a_watchdog_no_sign_of_life_is_sent() {
    let sandbox = Watched::small();
    let house = House::new(&observing(&sandbox.endpoint));
    let manager = Manager::listening();
    let daemon = manager.start(&house, None);
    assert_eq!(manager.next(), "READY=1\n");
    assert!(manager.next().starts_with("STATUS="));
    daemon.signal("TERM");
    assert_eq!(manager.next(), "STOPPING=1\n");
    assert_eq!(daemon.finish().code, Some(0));
}

#[test]
fn a_service_manager_that_is_gone_hinders_nobody() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let Manager { socket, path } = Manager::listening();
    drop(socket);
    let manager = Manager { socket: UnixDatagram::unbound().unwrap(), path };
    let mut daemon = manager.start(&house, Some("200000"));
    daemon.wait_for("stop accepted");
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
}
