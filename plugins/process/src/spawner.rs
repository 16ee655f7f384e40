//! The thread that starts the children: Linux kills them when the thread ends that started them, and threads of pools end
//! long before the process does.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

type Order = (Command, Sender<io::Result<Child>>);

/// Starts a process from a thread that lives as long as this process.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    static ORDERS: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let gone = || io::Error::other("the thread that starts processes is gone");
    let orders = ORDERS.get_or_init(|| {
        let (orders, inbox) = channel::<Order>();
        let serve = move || {
            for (mut command, answer) in inbox {
                // Whoever asked waits for the answer.
                let _ = answer.send(command.spawn());
            }
        };
        // Where no thread can be started, the inbox is dropped and every order is refused.
        let _ = thread::Builder::new().name("verifier processes".into()).spawn(serve);
        Mutex::new(orders)
    });
    let (answer, answered) = channel();
    orders.lock().unwrap_or_else(PoisonError::into_inner).send((command, answer)).map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}
