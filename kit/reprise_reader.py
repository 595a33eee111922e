#!/usr/bin/env python3
"""Gets backups out of a Reprise repository when there is no Reprise.

    python3 reprise_reader.py REPOSITORY KEYFILE list
    python3 reprise_reader.py REPOSITORY KEYFILE restore POINT FOLDER
    python3 reprise_reader.py REPOSITORY KEYFILE verify

REPOSITORY  the folder with 'packs' and 'points' in it (copy a bucket into a folder first); it is not changed
KEYFILE     the key file, or a text file with the lines of the recovery sheet, or - to type a passphrase
POINT       one of the names that 'list' prints, or 'latest'
FOLDER      a new folder; nothing outside of it is touched

On Debian: apt install python3-cryptography python3-zstandard python3-argon2 (argon2 only for passphrases). What is
damaged is named, and whatever does not need it is restored. Exit: 0 all is well, 2 usage, 3 the key does not fit or a
newer Reprise is needed, 4 something cannot be read or written, 5 something is damaged. How it works: format.md."""
import base64, getpass, hashlib, hmac, itertools, json, os, re, sys, tempfile
try:
    import zstandard
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError as missing: sys.exit(f"{missing}. On Debian: apt install python3-cryptography python3-zstandard, then /usr/bin/python3")

PACK, CHUNK, OBJECT, PLAIN, complaints = 16 << 20, 2 << 20, 4 << 20, 64 << 20, []  # limits in bytes, and what was wrong
class Damage(Exception): exit = 5   # bytes are not what they were; what is no structure of ours raises others of these
Malformed = (LookupError, TypeError, ValueError, OverflowError, AttributeError)
class Refused(Exception): exit = 3  # the key does not fit, or a newer Reprise wrote this

def complain(where, why):
    text = f"damaged: {where}: {why}".encode("ascii", "backslashreplace").decode()
    if text not in complaints: print(text, file=sys.stderr)
    complaints.append(text)

class Cursor:  # reads structures from bytes of unknown origin: every length is checked before it is used
    def __init__(self, data): self.data, self.at = data, 0
    def take(self, count):
        if count > len(self.data) - self.at: raise Damage(f"{count} bytes are announced, {len(self.data) - self.at} are left")
        self.at += count
        return self.data[self.at - count:self.at]
    def uint(self, count): return int.from_bytes(self.take(count), "little")
    def number(self, most=(1 << 63) - 1, shift=0):
        byte = self.uint(1)
        value = (byte & 127) << shift | (self.number(1 << 63, shift + 7) if byte > 127 and shift < 56 else byte >> 7 << 63)
        if value > most: raise Damage(f"a number is larger than {most}")
        return value
    def signed(self): return -((value + 1) >> 1) if (value := self.number()) & 1 else value >> 1
    def sized(self, most): return self.take(self.number(most))
    def part(self):
        pack = self.number(0x7FFFFFFF) - 1
        if pack < 0: return -1, 0, 0, 0, self.number(0x7FFFFFFF)
        return pack, self.number(4096), self.number(PACK), self.number(PACK), self.number(CHUNK)
    def content(self):
        length, digest, depth = self.number(1 << 56), self.take(32), self.number(7)
        return length, digest, depth > 3, depth % 4, [self.part() for _ in range(self.number(24))]

def sha256(data): return hashlib.sha256(data).digest()
def u32(value): return value.to_bytes(4, "little")
def derive(key, salt, label): return HKDF(hashes.SHA256(), 32, salt, label.encode()).derive(key)
def good_mac(key, data, mac): return hmac.compare_digest(hmac.new(key, data, hashlib.sha256).digest(), mac)
def open_gcm(key, nonce, sealed, bound):  # the plain bytes, or None when the tag does not hold
    try: return AESGCM(key).decrypt(nonce, sealed, bound) if len(sealed) >= 16 and len(nonce) == 12 else None
    except InvalidTag: return None
def open_letter(scalar, letter, label, repository):
    try: other = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), letter[:65])
    except ValueError: return None  # no point of the curve
    shared = ec.derive_private_key(scalar, ec.SECP256R1()).exchange(ec.ECDH(), other)
    return open_gcm(derive(shared, repository, label), letter[65:77], letter[77:], letter[:65])
def decode_block(block, length):
    try:
        plain = block[1:] if block[:1] == b"\0" else None
        if block[:1] == b"\1" and zstandard.frame_content_size(block[1:]) == length:
            plain = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(block[1:])
    except zstandard.ZstdError: plain = None
    if plain is None or len(plain) != length: raise Damage("a block does not decompress to its length")
    return plain
def read_file(path, most):
    with open(path, "rb") as file:
        if len(data := file.read(most + 1)) <= most: return data
    raise Damage(f"it has more than {most} bytes")

def read_key_file(path):  # repository, slot, secret, and the copies of the objects under keys/
    text = "\n".join(line.strip() for line in read_file(path, 1 << 20).decode("utf-8", "replace").split("\n"))
    found = re.search(r"^reprise-key 0$(.*?)^check (\S+)$", text, re.M | re.S)
    ours = re.findall("^(?:repository|slot|secret|object) .*$", found[1], re.M) if found else []
    if not found or sha256("\n".join(["reprise-key 0", *ours]).encode()).hex()[:16] != found[2]:
        raise Refused(f"{path} is no key file, or a line of it is missing or mistyped: its check does not fit")
    try:
        words, parts = dict(line.split(" ", 1) for line in ours), {}
        for _, name, part in (line.split(" ") for line in ours if line.startswith("object ")): parts[name] = parts.get(name, "") + part
        objects = {name: base64.b64decode(text, validate=True) for name, text in parts.items()}
        return bytes.fromhex(words["repository"]), words["slot"], base64.b64decode(words["secret"], validate=True), objects
    except (LookupError, ValueError) as error: raise Refused(f"{path} cannot be used: {error}") from None
def read_slot(_, data, c):
    _, since, stretched = c.sized(64), c.number(0xFFFFFFFF), c.uint(1)
    if stretched > 1: raise Refused("a newer Reprise wrote a key slot")
    costs = stretched and (c.number(262144), c.number(16), c.number(1), c.sized(16))
    return since, costs, c.sized(65), c.sized(256), c.sized(512)

class Repository:
    def __init__(self, folder, key_path):
        self.folder, self.kept, self.objects, slot = folder, {}, {}, None
        if key_path != "-": self.id, slot, secret, self.objects = read_key_file(key_path)
        try:
            text = self.read("repository", 4096)
            found = re.fullmatch(rb"(reprise repository\nversion (.*)\nid ([0-9a-f]{32})\n)check ([0-9a-f]{16})\n", text)
            if not found or sha256(found[1]).hex()[:16].encode() != found[4]: raise Damage("it was altered")
            if found[2] != b"0": raise Refused(f"a newer Reprise wrote this: version {found[2]}, this reader knows 0")
            if slot and found[3].decode() != self.id.hex(): raise Refused("the key is of another repository")
            self.id = bytes.fromhex(found[3].decode())
        except (OSError, Damage) as error:
            if not slot: raise
            complain("repository", f"{error}; the key file says which repository it is")
        self.open_keys({slot: secret} if slot else self.stretch_passphrase())
        self.former, self.epoch = None, max(self.masters)
        try:
            plain = self.open_object(9, f"closings/{self.epoch}")[1] if self.epoch > 1 else b""
            self.former = {plain[i:i + 32] for i in range(0, len(plain), 32)}
        except (Damage, OSError) as error: complain(f"closings/{self.epoch}", f"{error}; earlier points are not proven genuine")
    def read(self, name, most): return read_file(os.path.join(self.folder, name), most)
    def names(self, folder):
        path = os.path.join(self.folder, folder)
        return sorted(n for n in os.listdir(path) if not n.startswith(".")) if os.path.isdir(path) else []
    def key_copies(self, magic, name, parse):  # that of the key file first, which nobody else can have replaced
        for get in (self.objects.get, lambda name: self.read("keys/" + name, 768 << 10)):
            try:
                if (data := get(name)) is None: continue
                if len(data) < 69 or data[:4] != magic or sha256(data[:-32]) != data[-32:]: raise Damage("it was altered")
                if data[4]: raise Refused(f"a newer Reprise wrote keys/{name}")
                yield parse(name, data, Cursor(data[5:-64]))
            except FileNotFoundError: pass
            except (Damage, OSError) as error: complain("keys/" + name, error)
    def stretch_passphrase(self):
        from argon2.low_level import Type, hash_secret_raw
        text = getpass.getpass("passphrase: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        costs = {n: s[1] for n in self.names("keys") if n.startswith("pass") for s in self.key_copies(b"RPRK", n, read_slot) if s[1]}
        return {n: hash_secret_raw(text.encode(), c[3], c[1], c[0], c[2], 32, Type.ID) for n, c in costs.items()}
    def open_keys(self, secrets):  # a slot, then every epoch from the slot's own upwards
        for name, secret in secrets.items():
            for since, _, public, wrapped, letter in self.key_copies(b"RPRK", name, read_slot):
                key = derive(secret, self.id, "reprise v0 slot " + name)
                inside = open_gcm(key, wrapped[:12], wrapped[12:], public + u32(since)) or b""
                if len(inside) == 64: return self.open_epochs(name, since, letter, inside)
        raise Refused("the key opens no slot: a wrong passphrase, another repository, or its slot is missing or damaged")
    def open_epochs(self, name, since, letter, inside):
        self.slot, self.scalar = name, int.from_bytes(inside[:32], "big")
        master = open_letter(self.scalar, letter, f"reprise v0 epoch {since} {name}", self.id)
        if not master or derive(master, self.id, f"reprise v0 anchor {since}") != inside[32:]: raise Damage(f"keys/{name} was forged")
        self.masters = {since: master}
        epochs = {n for n in [*self.objects, *self.names("keys")] if re.fullmatch("epoch-[1-9][0-9]{0,6}", n)}
        for epoch in sorted((n for n in epochs if int(n[6:]) >= since), key=lambda n: int(n[6:])):
            if not any(self.key_copies(b"RPRE", epoch, self.take_epoch)):
                complain("keys/" + epoch, "not used: it is damaged, or was made by somebody without the keys")
        if 1 not in self.masters: raise Refused(f"keys/epoch-{since} is missing, without which {name} opens nothing earlier")
    def take_epoch(self, name, data, c):  # whether it counts; then its master key and all before it are known
        number, follows = c.number(1000000), c.number(1000000)
        letters = {c.sized(64).decode("ascii", "replace"): (c.sized(65), c.sized(512))[1] for _ in range(c.number(64))}
        history, before, master = c.sized(512 << 10), self.masters.get(follows), self.masters.get(number)
        def succeeds(key): return good_mac(derive(key, self.id, "reprise v0 succession"), data[:-64], data[-64:-32])
        if name != f"epoch-{number}" or not 1 <= follows < number or (before and not succeeds(before)): return False
        if not master and before and self.slot not in letters: raise Refused(f"{self.slot} was revoked by {name}; use a key in force")
        label = f"reprise v0 epoch {number} {self.slot}"
        if not (master := master or open_letter(self.scalar, letters.get(self.slot, b""), label, self.id)): return False
        plain = open_gcm(derive(master, self.id, f"reprise v0 history {number}"), history[:12], history[12:], b"") or b"?"
        known = {int.from_bytes(plain[i:i + 4], "little"): plain[i + 4:i + 36] for i in range(0, len(plain), 36)}
        counts = follows in known and succeeds(known[follows]) and not any(
            known.get(n) != key for n, key in self.masters.items() if n < number)
        if counts: self.masters = {**known, **self.masters, number: master}
        return counts
    def open_header(self, data, kind):  # key, what binds every piece, epoch, and length of the directory
        if len(data) < 64 or data[:4] != b"RPRS" or sha256(data[:56])[:8] != data[56:64]: raise Damage("its header was altered")
        if data[4] or data[7]: raise Refused("a newer Reprise wrote this")
        epoch, directory = int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little")
        if data[5] != kind: raise Damage(f"an object of kind {data[5]} stands for one of kind {kind}")
        if epoch not in self.masters: raise Damage(f"it is of key epoch {epoch}, which this key does not know")
        return derive(self.masters[epoch], data[16:48], f"reprise v0 object {kind}"), self.id + data[:56], epoch, directory
    def open_object(self, kind, name):
        data = self.read(name, OBJECT)
        key, bound, epoch, _ = self.open_header(data, kind)
        if kind in (3, 6) and epoch < self.epoch and self.former is not None and sha256(data) not in self.former:
            raise Damage("forged: it is sealed with a former key, and was not there when that was replaced")
        plain = open_gcm(key, bytes(12), data[64:], bound + name.encode())
        if plain is None: raise Damage("its tag does not hold: it was altered, or moved from another name")
        if (length := Cursor(plain).uint(4)) > PLAIN: raise Damage(f"it says that it has {length} bytes")
        return data, decode_block(plain[4:], length)
    def points(self):  # every intact point, oldest first; what is damaged, forged or missing is named
        points, present = {}, set()
        for name in self.names("points"):
            try:
                if self.read("points/" + name, OBJECT)[5:6] == b"\5" and self.open_object(5, "points/" + name): continue
                present.add(name)
                points[name] = Point(self, *self.open_object(3, "points/" + name))
            except (Damage, Refused, OSError, *Malformed) as error: complain("points/" + name, error)
        dropped = {d["id"] for p in points.values() for d in p.manifest.get("dropped") or []}
        for by, id, sha in [(by, seen["id"], seen["sha256"]) for by, p in points.items() for seen in p.manifest.get("live") or []]:
            if id in points and points[id].sha256 != sha: complain("points/" + id, f"another one than point {by} saw")
            try: id in present or id in dropped or self.open_object(6, "dropped/" + id)
            except (Damage, OSError): complain("points/" + id, f"gone, and point {by} still names it")
        return points
    def pack(self, name, size):  # bytes and keys; the last three are kept. Good entries of a pack that is damaged elsewhere are good
        if name not in self.kept:
            data = self.read("packs/" + name, PACK)
            if len(data) != size or size < 128: raise Damage(f"it has {len(data)} bytes instead of {size}")
            if sha256(data).hex() != name: complain("packs/" + name, "its bytes do not have the hash that is its name")
            try: header = self.open_header(data[:64], 1)
            except Damage: header = self.open_header(data[-64:], 1)  # either end suffices
            while len(self.kept) > 2: del self.kept[next(iter(self.kept))]
            self.kept[name] = data, header
        return self.kept[name]

class Point:
    def __init__(self, repository, data, plain):
        c = Cursor(plain)
        text, _, table = c.sized(PLAIN), c.sized(32), c.sized(PLAIN)
        self.repository, self.sha256, self.manifest = repository, sha256(data).hex(), json.loads(text)
        if sha256(table).hex() != self.manifest["packTableSha256"]: raise Damage("its table of packs is another one")
        c = Cursor(table)
        self.packs = [(c.take(32).hex(), c.uint(4), c.uint(4))[:2] for _ in range(c.number(100000))]
    def chunk(self, part, kind):
        pack, number, offset, stored, length = part
        if not 0 <= pack < len(self.packs): raise Damage(f"a part names pack {pack} of {len(self.packs)}")
        try:
            data, (key, bound, _, directory) = self.repository.pack(*self.packs[pack])
            start = 64 + directory + offset
            if stored < 17 or length > CHUNK or start + stored > len(data): raise Damage("an entry lies outside of it")
            nonce, place = b"\2" + bytes(7) + u32(number), bytes([kind]) + u32(number) + u32(length)
            block = open_gcm(key, nonce, data[start:start + stored], bound + place)
            if block is None: raise Damage(f"the tag of entry {number} does not hold")
            return decode_block(block, length)
        except FileNotFoundError: raise Damage(f"packs/{self.packs[pack][0]} is gone") from None
        except Damage as error: raise Damage(f"packs/{self.packs[pack][0]}: {error}") from None
    def listed(self, lists):  # the parts in chunks of type 2, end to end; one may begin in a chunk and end in the next
        rest = b""
        for part in itertools.chain(lists, [None]):
            c = Cursor(rest := rest + (self.chunk(part, 2) if part else b""))
            while c.at < len(rest) - (40 if part else 0): yield c.part()
            rest = rest[c.at:]
    def read(self, content):  # the bytes in pieces; a hole is its length. Length and SHA-256 are compared at the end
        length, digest, by_part, depth, parts = content
        for _ in range(depth): parts = self.listed(parts)
        whole, at = hashlib.sha256(), 0
        for part in parts:
            hole, at = part[0] < 0, at + part[4]
            if at > length or (by_part and hole): raise Damage("it is longer than its point says, or has a hole")
            piece = part[4] if hole else self.chunk(part, 1)
            for run in range(0, piece if hole else 0, 1 << 20): whole.update(bytes(min(1 << 20, piece - run)))
            if not hole: whole.update(sha256(piece) if by_part else piece)
            yield piece
        if at != length or whole.digest() != digest: raise Damage("its length or SHA-256 is another one")
def content_of(j):  # of JSON, as the manifest has it
    parts = [tuple(p[f] for f in ("pack", "entry", "offsetBytes", "storedBytes", "plainBytes")) for p in j["parts"]]
    if any(n < 0 for p in parts for n in p[1:]) or not 0 <= j["depth"] <= 3: raise Damage("the point has a negative number")
    return j["lengthBytes"], bytes.fromhex(j["sha256"]), j["isHashedByPart"], j["depth"], parts

def save(pieces, path):  # into a new file, or with no path nowhere; what is damaged does not stay
    try:
        with open(path, "xb") if path else open(os.devnull, "wb") as file:
            for piece in pieces: file.seek(piece, 1) if isinstance(piece, int) else file.write(piece)
            if path: file.truncate()
    except Damage:
        if path: os.remove(path)
        raise
def dump(point, head, tables):  # the archive that pg_restore takes: the head, then each block in its frames
    yield from point.read(head)
    if tables[0] > 256 << 20: raise Damage("the list of tables is too long")
    c = Cursor(b"".join(point.read(tables)))
    if c.uint(1) != 1: raise Refused("a newer Reprise wrote the list of tables")
    for _ in range(c.number()):
        entry, kind, _, content = c.number(0x7FFFFFFF), c.uint(1), c.signed(), c.content()
        yield bytes([kind, 0]) + u32(entry)
        for piece in point.read(content):
            for frame in (piece[i:i + 65536] for i in range(0, len(piece), 65536)):
                yield b"\0" + u32(len(frame)) + frame if kind == 1 else frame
        if kind == 1: yield bytes(5)
def entries(file):  # of a list of files
    if file.read(8) != b"RPFILES\1": raise Damage("it is no list of files that this reader knows")
    count = 0
    while length := int.from_bytes(file.read(4), "little"):
        c = Cursor(file.read(min(length, 262144)))
        c.signed(), c.number(), c.signed(), c.take(8)
        kind, _, path, mode, user, group = c.uint(1), c.uint(1), c.sized(4096), c.number(0xFFF), c.uint(4), c.uint(4)
        time = c.signed() * 10**9 + c.number(10**9 - 1)
        attributes = [(c.sized(255), c.sized(200 << 10)) for _ in range(c.number(1024))]
        target = c.sized(4096) if kind in (3, 4, 6) else b""
        names = [n for p in (path, target if kind == 4 else b"") if p for n in p.split(b"/")]
        if not 1 <= kind <= 6 or b"\0" in path + target or any(n in (b"", b".", b"..") for n in names):
            raise Damage("an entry of the list of files is not as it must be")
        yield kind, path, target, c.content() if kind == 2 else None, (mode, user, group, time, attributes)
        count += 1
    if file.read(9) != count.to_bytes(8, "little"): raise Damage("the list of files does not end as it must")
def dress(path, link, mode, user, group, time, attributes):
    if os.geteuid() == 0: os.chown(path, user, group, follow_symlinks=False)
    for name, value in attributes:
        try: os.setxattr(path, name, value, follow_symlinks=False)
        except OSError as error: print(f"note: {path!r} does not get {name!r}: {error.strerror}", file=sys.stderr)
    if not link: os.chmod(path, mode)
    os.utime(path, ns=(time, time), follow_symlinks=False)
def restore_files(point, content, root, where):  # with no root everything is only read
    folders, root = [], root and os.path.realpath(os.fsencode(root))
    with tempfile.TemporaryFile() as file:
        for piece in point.read(content): file.write(piece)
        file.seek(0)  # the list was proven whole: only now anything in it is believed
        for kind, path, target, content, facts in entries(file):
            full, first = (os.path.join(root, path), os.path.join(root, target)) if root else (None, None)
            try:
                for place in (os.path.dirname(full), first)[:kind - 2 if kind == 4 else 1] if root and path else ():
                    if os.path.realpath(place) != place: raise Damage("it would lie outside of its folder, behind a link")
                if kind == 6: complain(where + os.fsdecode(path), "it could not be read when the point was taken")
                elif kind == 2: save(point.read(content), full)
                elif not root: continue
                elif kind == 1: path and os.mkdir(full, 0o700)
                elif kind == 3: os.symlink(target, full)
                elif kind == 5: os.mkfifo(full)
                else: os.link(first, full, follow_symlinks=False)
                if root and kind == 1: folders.append((full, False, *facts))
                elif root and kind in (2, 3, 5): dress(full, kind == 3, *facts)
            except (Damage, FileNotFoundError) as error: complain(where + os.fsdecode(path), error)
    for folder in reversed(folders): dress(*folder)

def restore(id, point, folder):  # into a new folder; with none, proves that it could be
    def path(*names): return folder and os.path.join(folder, *(re.sub("[^A-Za-z0-9._-]|^[.]", "_", n) for n in names if n))
    for asset in [{"name": "", "streams": {"reprise.yaml": point.manifest.get("configuration")}}, *point.manifest["assets"]]:
        if folder: os.mkdir(path(asset["name"]), 0o700)
        for name, content in (streams := {n: content_of(j) for n, j in asset["streams"].items() if j}).items():
            try:
                if name == "files": restore_files(point, content, path(asset["name"]), f"{id} {asset['name']}/")
                elif name.endswith("toc"):
                    save(dump(point, content, streams[name[:-3] + "tables"]), path(asset["name"], name[:-3] + "database.dump"))
                elif not name.endswith("tables"): save(point.read(content), path(asset["name"], name))
            except Damage as error: complain(f"{id} {asset['name']}/{name}", error)

def main(repository, command, chosen=None, folder=None):
    os.umask(0o077)  # secrets are among what is restored; files get their own modes
    points = repository.points()
    if chosen == "latest": chosen = max(points, default="")
    if chosen is not None and chosen not in points: raise Damage(f"there is no intact point '{chosen}'; 'list' prints all")
    for id, m in ((id, point.manifest) for id, point in points.items() if command == "list"):
        print(id, m["kind"], m["state"], m["application"], *(f"{a['name']}:{a['kind']}" for a in m["assets"]))
    for id, point in points.items():
        if chosen == id or command == "verify": restore(id, point, folder)
    print((f"{chosen} is in {folder}" if chosen else f"points: {len(points)}") + "; not all is well, see above" * bool(complaints))
    return 5 if complaints else 0

if __name__ == "__main__":
    if len(sys.argv) != {"list": 4, "verify": 4, "restore": 6}.get("".join(sys.argv[3:4])): sys.exit(print(__doc__) or 2)
    try: sys.exit(main(Repository(*sys.argv[1:3]), *sys.argv[3:]))
    except (Damage, Refused, OSError) as error: sys.exit(print(f"error: {error}", file=sys.stderr) or getattr(error, "exit", 4))
    except Malformed as error: sys.exit(print(f"error: something is no structure of ours: {error!r}", file=sys.stderr) or 5)
