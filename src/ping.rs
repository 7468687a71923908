//! `larder ping`: the health check of containers and service managers.
//!
//! It says whether the server answers, within a time limit. A server that wants a password and was given none has
//! answered: what keeps a container alive should not need the secret.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use larder::config::arguments::Ping;

/// The longest line of a reply that is worth reading.
const LINE_MAX: u64 = 4096;

/// Asks the server and gives the line to print, or the line that says why it is not well.
pub(crate) fn ping(target: &Ping) -> Result<String, String> {
    let limit = Some(Duration::from_secs(target.timeout));
    let place = match &target.socket {
        Some(path) => path.display().to_string(),
        None => format!("{}:{}", target.host, target.port),
    };
    let answer = match &target.socket {
        Some(path) => UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(limit)?;
            stream.set_write_timeout(limit)?;
            ask(stream, target)
        }),
        None => connect(target).and_then(|stream| {
            stream.set_read_timeout(limit)?;
            stream.set_write_timeout(limit)?;
            ask(stream, target)
        }),
    };
    answer.map_err(|why| format!("no answer from {place}: {why}"))?
}

/// Connects to the first address of the host that takes it.
fn connect(target: &Ping) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (target.host.as_str(), target.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, Duration::from_secs(target.timeout)) {
            Ok(stream) => return Ok(stream),
            Err(why) => failure = why,
        }
    }
    Err(failure)
}

/// Sends AUTH, if there is a password, and PING; the inner result is the server's own verdict.
fn ask(stream: impl Read + Write, target: &Ping) -> io::Result<Result<String, String>> {
    let mut stream = BufReader::new(stream);
    if let Some(password) = &target.password {
        let user = target.user.as_deref();
        let words: Vec<&str> = ["AUTH"]
            .into_iter()
            .chain(user)
            .chain([password.as_str()])
            .collect();
        let reply = call(&mut stream, &words)?;
        if reply != "+OK" {
            return Ok(Err(reply.trim_start_matches('-').to_owned()));
        }
    }
    let reply = call(&mut stream, &["PING"])?;
    Ok(match reply.as_str() {
        "+PONG" => Ok("PONG".into()),
        "" => Err("the server closed the connection".into()),
        locked if locked.starts_with("-NOAUTH") && target.password.is_none() => {
            Ok("The server answers, and wants a password".into())
        }
        other => Err(other.trim_start_matches('-').to_owned()),
    })
}

fn call<S: Read + Write>(stream: &mut BufReader<S>, words: &[&str]) -> io::Result<String> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.get_mut().write_all(request.as_bytes())?;
    let mut line = Vec::new();
    stream
        .by_ref()
        .take(LINE_MAX)
        .read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Serves one connection: reads what is sent, answers each read with the next reply.
    fn server(replies: &'static [&'static str]) -> Ping {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 1024];
            for reply in replies {
                let _ = stream.read(&mut buffer).unwrap();
                stream.write_all(reply.as_bytes()).unwrap();
            }
        });
        Ping {
            host: "127.0.0.1".into(),
            port,
            socket: None,
            user: None,
            password: None,
            timeout: 5,
        }
    }

    #[test]
    fn a_server_that_answers_is_well() {
        assert_eq!(ping(&server(&["+PONG\r\n"])), Ok("PONG".into()));
        assert!(ping(&server(&["-NOAUTH Authentication required.\r\n"])).is_ok());
        let with_password = Ping {
            password: Some("x".into()),
            ..server(&["+OK\r\n", "+PONG\r\n"])
        };
        assert_eq!(ping(&with_password), Ok("PONG".into()));
    }

    #[test]
    fn anything_else_is_not() {
        assert_eq!(
            ping(&server(&["-LOADING soon\r\n"])),
            Err("LOADING soon".into())
        );
        assert!(ping(&server(&[""])).is_err());
        let wrong = Ping {
            password: Some("x".into()),
            ..server(&["-WRONGPASS no\r\n"])
        };
        assert_eq!(ping(&wrong), Err("WRONGPASS no".into()));
        let nobody = Ping {
            port: 1,
            ..server(&[])
        };
        assert!(
            ping(&nobody)
                .unwrap_err()
                .starts_with("no answer from 127.0.0.1:1: ")
        );
    }
}
