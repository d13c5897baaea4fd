//! Who may connect to a control socket, and what for.
//!
//! With the runtime's token a peer may do all that the owner may. Without it, dora-rs's requests are answered on a
//! loopback port to processes of the same user and of root, since they start programs: the kernel tells whose process
//! holds the other end. A port that other machines can reach answers nobody without the token, and after a few wrong
//! ones an address is turned away for a minute.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode, header};

use super::token::Token;

/// How many wrong tokens an address may send in [`SPAN`], before it is turned away: as many connections as dora-rs
/// admits in that time.
const MAX_REFUSALS: u32 = 20;
const SPAN: Duration = Duration::from_secs(60);
/// How many addresses with wrong tokens are remembered.
const MAX_ADDRESSES: usize = 1024;

/// What a peer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// Everything.
    Owner,
    /// Requests in dora-rs's protocol.
    SameUser,
}

/// Why a peer is turned away.
pub type Refusal = (StatusCode, &'static str);

/// The door of one control socket.
pub struct Admission {
    token: Token,
    /// Where the socket listens.
    own: SocketAddr,
    refused: Mutex<HashMap<IpAddr, (u32, Instant)>>,
}

impl Admission {
    pub fn new(token: Token, own: SocketAddr) -> Admission {
        Admission { token, own, refused: Mutex::default() }
    }

    /// Decides about a connection that is about to be made. Reads a file of the kernel's when no token tells enough.
    pub fn decide(&self, headers: &HeaderMap, peer: SocketAddr) -> Result<Admitted, Refusal> {
        // Only browsers name an origin, and a page that a browser shows has no business here.
        if headers.contains_key(header::ORIGIN) {
            return Err((StatusCode::FORBIDDEN, "not for web pages"));
        }
        let elsewhere = !peer.ip().is_loopback();
        if elsewhere && self.is_turned_away(peer.ip()) {
            return Err((StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens"));
        }
        let given = headers.get(header::AUTHORIZATION);
        if given.is_some_and(|given| self.token.admits(given.as_bytes())) {
            return Ok(Admitted::Owner);
        }
        // A token of another coordinator, which dora-rs's CLI sends to whatever it connects to, spoils nothing.
        if self.own.ip().is_loopback() && is_same_user(peer, self.own) {
            return Ok(Admitted::SameUser);
        }
        if elsewhere {
            self.note_refusal(peer.ip());
        }
        Err((StatusCode::UNAUTHORIZED, "wrong or missing token"))
    }

    fn is_turned_away(&self, address: IpAddr) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match refused.get(&address) {
            Some((count, since)) => *count >= MAX_REFUSALS && since.elapsed() < SPAN,
            // Whoever is new has to wait until there is room to remember it.
            None => refused.len() >= MAX_ADDRESSES,
        }
    }

    fn note_refusal(&self, address: IpAddr) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.retain(|_, (_, since)| since.elapsed() < SPAN);
        let (count, _) = refused.entry(address).or_insert((0, Instant::now()));
        *count += 1;
    }
}

/// Whether the other end of a connection is held by a process of this process's user, or of root.
fn is_same_user(peer: SocketAddr, own: SocketAddr) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let user = tables.iter().find_map(|table| user_in(table, peer, own));
    user.is_some_and(|user| user == ours || user == 0)
}

/// The user whose socket has these ends, in one of the kernel's tables of TCP sockets.
fn user_in(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    let (locals, remotes) = (spellings(local), spellings(remote));
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().take(8).collect();
        let [_, local, remote, _, _, _, _, user] = *fields.as_slice() else { return None };
        let fits = locals.iter().any(|one| one == local) && remotes.iter().any(|one| one == remote);
        fits.then(|| user.parse().ok()).flatten()
    })
}

/// How the kernel's tables write an address: as words of the machine, in hexadecimal. A socket of IPv6 writes an
/// address of IPv4 as one of its own.
fn spellings(address: SocketAddr) -> Vec<String> {
    let four = |ip: Ipv4Addr| format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port());
    let six = |ip: Ipv6Addr| {
        let words = ip.octets();
        let words = words.chunks_exact(4).map(|word| word.try_into().map_or(0, u32::from_ne_bytes));
        let words: String = words.map(|word| format!("{word:08X}")).collect();
        format!("{words}:{:04X}", address.port())
    };
    match address.ip() {
        IpAddr::V4(ip) => vec![four(ip), six(ip.to_ipv6_mapped())],
        IpAddr::V6(ip) => std::iter::once(six(ip)).chain(ip.to_ipv4_mapped().map(four)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn door(own: &str) -> (tempfile::TempDir, Token, Admission) {
        let root = tempfile::tempdir().unwrap();
        let token = Token::create(&root.path().join("token")).unwrap();
        (root, token.clone(), Admission::new(token, own.parse().unwrap()))
    }

    fn bearing(text: &str) -> HeaderMap {
        [(header::AUTHORIZATION, text.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn the_kernel_tells_whose_process_holds_the_other_end() {
        let table = "
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:177D 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:D431 0100007F:177D 01 00000000:00000000 00:00000000 00000000  1001        0 2 1 0 20 4 30 10 -1";
        let (own, peer) = ("127.0.0.1:6013".parse().unwrap(), "127.0.0.1:54321".parse().unwrap());
        if cfg!(target_endian = "little") {
            assert_eq!(user_in(table.trim_start(), peer, own), Some(1001));
            assert_eq!(user_in(table.trim_start(), "127.0.0.1:54322".parse().unwrap(), own), None);
        }
        assert_eq!(user_in("", peer, own), None);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let stream = TcpStream::connect(own).unwrap();
        assert!(is_same_user(stream.local_addr().unwrap(), own));
        assert!(!is_same_user("127.0.0.1:1".parse().unwrap(), own), "nobody is there");
        assert_eq!(spellings("[::ffff:127.0.0.1]:80".parse().unwrap()).len(), 2);
    }

    #[test]
    fn a_port_that_others_reach_admits_the_token_alone_and_a_few_wrong_ones_only() {
        let (_root, token, door) = door("10.0.0.1:6013");
        let peer: SocketAddr = "10.0.0.2:999".parse().unwrap();
        assert_eq!(door.decide(&bearing(&token.header()), peer), Ok(Admitted::Owner));
        for _ in 0..MAX_REFUSALS {
            let refused = door.decide(&bearing("Bearer guess"), peer).unwrap_err();
            assert_eq!(refused.0, StatusCode::UNAUTHORIZED);
        }
        let refused = door.decide(&bearing(&token.header()), peer).unwrap_err();
        assert_eq!(refused.0, StatusCode::TOO_MANY_REQUESTS, "no more guesses");
        let other: SocketAddr = "10.0.0.3:999".parse().unwrap();
        assert_eq!(door.decide(&bearing(&token.header()), other), Ok(Admitted::Owner));
        for place in 0..MAX_ADDRESSES {
            let peer = SocketAddr::new(Ipv4Addr::from_bits(0x0b00_0000 + place as u32).into(), 9);
            let _ = door.decide(&HeaderMap::new(), peer);
        }
        assert!(door.refused.lock().unwrap().len() <= MAX_ADDRESSES);
    }

    #[test]
    fn a_loopback_port_admits_no_stranger_and_no_web_page() {
        let (_root, token, door) = door("127.0.0.1:1");
        // No process holds this end, as far as anybody can see.
        let peer = "127.0.0.1:2".parse().unwrap();
        assert_eq!(door.decide(&HeaderMap::new(), peer).unwrap_err().0, StatusCode::UNAUTHORIZED);
        assert_eq!(door.decide(&bearing(&token.header()), peer), Ok(Admitted::Owner));
        let mut page = bearing(&token.header());
        page.insert(header::ORIGIN, "http://127.0.0.1".parse().unwrap());
        assert_eq!(door.decide(&page, peer).unwrap_err().0, StatusCode::FORBIDDEN);
    }
}
