package main

import (
	"net/http"

	"cakupan/cmd/internal/problem"
)

// mediaText is of notes that people can read and sign, mediaBytes of what only a program reads.
const (
	mediaText  = "text/plain"
	mediaBytes = "application/octet-stream"
)

// ofProof are the operations that prove what the log holds. They are those of the table "Proof" in
// section 8 of the contract. Their formats are C2SP's, so the schemas say text or bytes and the
// words say which standard. A tile is named by a path with slashes, which OpenAPI has no parameter
// for, so its schema is a text.
func (l *library) ofProof() []operation {
	all := append(l.ofCheckpoints(), l.ofFigures()...)
	return append(all, operation{
		method: http.MethodGet, path: "/tile/{path}", id: "getTile",
		summary: "A tile of the log's Merkle tree, or a bundle of entries.",
		about: "For auditors. As C2SP tlog-tiles names them: /tile/0/x001/234, /tile/1/000.p/5," +
			" /tile/entries/000. An entry is the event's sequence and record time (nanoseconds" +
			" since 1970), 8 bytes big-endian each, and its stored bytes; its RFC 6962 hash is" +
			" the" +
			" leaf. A full tile never changes. A bundle with an event of more than 65,519 stored" +
			" bytes is not found: the standard has no room for it.",
		parameters: list{
			o("name", "path").with("in", "path").with("required", true).
				with("description", "With its slashes.").with("schema", o("type", "string")),
		},
		answer: content(mediaBytes, o("type", "string").with("format", "binary")),
		fails: guarded(problem.QueryInvalid, problem.NotFound, problem.LogDamaged,
			problem.LogUnavailable),
	})
}

// proofFails are what a question about checkpoints may end with. A head is for everybody, so
// nothing of logins is among them: whoever has only a key must be able to ask.
func proofFails(more ...problem.Code) []failure {
	return append(fails(problem.QueryInvalid, problem.NotFound, problem.LogDamaged,
		problem.LogUnavailable, problem.Overloaded, problem.Internal), fails(more...)...)
}

// ofCheckpoints are the heads of the log, the cosignatures of witnesses, and the key. A witness
// hands his in as an auditor: who may write at all is never everybody.
func (l *library) ofCheckpoints() []operation {
	note := o("type", "string").with("description", "a signed note of C2SP tlog-checkpoint")
	return []operation{
		{
			method: http.MethodGet, path: "/checkpoint", id: "getCheckpoint",
			summary: "The signed head of all that is durable.",
			about: "For everybody. It has the cosignatures of witnesses that this ledger knows," +
				" where they have cosigned this head.",
			parameters: list{
				query("witnessed", "The newest head that a witness has cosigned.",
					o("type", "boolean").with("default", false)),
			},
			answer: content(mediaText, note), fails: proofFails(),
		},
		{
			method: http.MethodPost, path: "/checkpoint", id: "postCheckpoint",
			summary: "Hand over a witness's cosignature.",
			about: "For auditors; the body is the head with the cosignature (C2SP" +
				" tlog-cosignature). The ledger must know the witness.",
			body: o("required", true).with("content", o(mediaText, o("schema", note))),
			answer: content(mediaJSON, fields(o("added",
				words("boolean", "it was not there before")))),
			fails: guarded(problem.QueryInvalid, problem.NotFound, problem.ProofFailed,
				problem.BodyTooLarge, problem.LogDamaged, problem.LogUnavailable),
		},
		{
			method: http.MethodGet, path: "/checkpoint/key", id: "getCheckpointKey",
			summary: "The public key that heads are signed with.",
			about: "For everybody. Who must not trust this server has it from somebody else; a" +
				" key of C2SP signed-note.",
			answer: content(mediaText, o("type", "string")), fails: proofFails(),
		},
		{
			method: http.MethodGet, path: "/checkpoint/successions", id: "getSuccessions",
			summary: "Proof that the key came in the place of older ones.",
			about: "For everybody. Signed notes, the oldest first, an empty line between them:" +
				" the title, the old key, the new one, and the signatures of both. Empty where" +
				" the key is the first.",
			answer: content(mediaText, o("type", "string")),
			fails:  proofFails(problem.FolderKeyLost),
		},
	}
}

// ofFigures are a figure to take away and one to publish. A bundle has a knowledge of its own; what
// is published is always of all that is recorded, so attest has no known.
func (l *library) ofFigures() []operation {
	on := query("on", "The day; today in Asia/Makassar when it is left out.", l.ref("Date"))
	indicator := query("indicator", "What the percentage is of.",
		o("enum", codeLists()["Indicator"]).with("default", "EMPLOYED"))
	return []operation{
		{
			method: http.MethodGet, path: "/v1/bundle", id: "getBundle",
			summary: "A figure to take away, with what proves it.",
			about: "For auditors. cakupan check checks it on a machine that has nothing else." +
				" What goes wrong after it has begun is at its end, and then its checksum, the" +
				" last 32 bytes, is not that of the bytes before.",
			parameters: append(l.knowledge(), on),
			answer:     content(mediaBytes, o("type", "string").with("format", "binary")),
			fails:      append(auditFails(), fails(problem.NotFound)...),
		},
		{
			method: http.MethodPost, path: "/v1/attest", id: "postAttest",
			summary: "Publish a figure in the log itself.",
			about: "For auditors at the machine itself. The event is the ledger's own; no" +
				" publisher may report one.",
			parameters: list{
				query("region", "ID, a province or a regency.", l.ref("Region")), on,
				indicator,
			},
			answer: content(mediaJSON, l.ref("Attested")),
			fails:  append(auditFails(), fails(problem.NotFound)...),
		},
	}
}

// ofProofs makes the definition of a part of an answer about proofs, nil when it is another one.
// The members are those of the event that publishes the figure, by which it can be checked for
// ever, and the answer as it was.
func (l *library) ofProofs(name string) object {
	if name != "Attested" {
		return nil
	}
	return fields(o("sequence", words("integer", "of the event that publishes it")).
		with("size", words("integer", "how many events were known")).
		with("root", words("string", "the root over them, base64")).
		with("rules", words("string", "version of the rules that it was counted by")).
		with("events", words("integer", "how many of them are of the region")).
		with("digest", words("string", "SHA-256 over the leaves of those, base64")).
		with("answer", l.ref("Coverage")))
}
