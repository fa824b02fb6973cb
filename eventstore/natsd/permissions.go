package natsd

import "github.com/nats-io/nats-server/v2/server"

// apiRequest is a part of JetStream's API as a reader sees it, and where it leads in $G. Both are
// subjects; to is the same as from, or one where this program answers instead.
type apiRequest struct {
	from, to string
	streamed bool // one request has several answers
}

// response tells the server how many answers a request has.
func (r apiRequest) response() server.ServiceRespType {
	if r.streamed {
		return server.Streamed
	}
	return server.Singleton
}

// readable lists what it takes to read the log's stream, and no other. Nothing in it can change or
// remove what is stored, or make the server send anything on its own account: of consumers, gate.go
// passes only such as are asked for each message. Neither a message's removal nor a stream's
// settings are among them.
func readable(c Client) []apiRequest {
	const api = "$JS.API."
	requests := []apiRequest{
		{from: api + "STREAM.INFO." + streamLog},
		{from: api + "STREAM.MSG.GET." + streamLog},
		{from: api + "CONSUMER.CREATE." + streamLog + ".*", to: subjectGate + c.account() + ".*"},
		{from: api + "CONSUMER.INFO." + streamLog + ".*"},
		{from: api + "CONSUMER.DELETE." + streamLog + ".*"},
		{from: api + "CONSUMER.MSG.NEXT." + streamLog + ".*", streamed: true},
		{from: api + "DIRECT.GET." + streamLog, streamed: true},
		{from: api + "DIRECT.GET." + streamLog + ".>", streamed: true},
	}
	for i := range requests {
		if requests[i].to == "" {
			requests[i].to = requests[i].from
		}
	}
	return requests
}

// permissionsOf are those of somebody in his own account. The account holds him in anyway; they
// tell him that he asked for a stream that is not his. All that is not allowed is denied. The
// server keeps them once more for each connection, half a KiB for each word of them, which is more
// than it needs for all else: so they are few, and of his stream they leave the verb to the
// account, where nobody answers to one that is not there.
func permissionsOf(c Client) *server.Permissions {
	publish, subscribe := []string{}, c.inboxes()
	if c.publishes() {
		publish = append(publish, subjectIntake+c.publisher(), subjectRequest+c.publisher())
		subscribe = append(subscribe, subjectReceipts+c.publisher())
	}
	if c.reads() {
		publish = append(publish, askedOf(streamLog)...)
	}
	publish = append(publish, subjectFlow+">")
	publish = append(publish, askedOf(streamView)...)
	subscribe = append(subscribe, SubjectCoverage+">")
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: publish},
		Subscribe: &server.SubjectPermission{Allow: subscribe},
	}
}

// askedOf covers what readers and watchers of a stream ask of JetStream, which readable and
// viewable list: its verbs have two or three words.
func askedOf(stream string) []string {
	const two, three = "$JS.API.*.*.", "$JS.API.*.*.*."
	return []string{two + stream, two + stream + ".>", three + stream, three + stream + ".>"}
}

// ledgerPermissions are those of the ledger's own connection: all but what could shorten or change
// a stream. DenyDelete and DenyPurge of a stream do not stop these requests: a stream may still be
// deleted as a whole, or be given limits that delete.
func ledgerPermissions() *server.Permissions {
	return &server.Permissions{Publish: &server.SubjectPermission{
		Allow: []string{">"},
		Deny: []string{
			"$JS.API.STREAM.DELETE.>",
			"$JS.API.STREAM.UPDATE.>",
			"$JS.API.STREAM.PURGE.>",
			"$JS.API.STREAM.RESTORE.>",
			"$JS.API.STREAM.MSG.DELETE.>",
		},
	}}
}

// storePermissions are those of what keeps messages for the log. The log's stream is not in them.
func storePermissions() *server.Permissions {
	const api = "$JS.API."
	publish := []string{
		subjectSealed + ">",
		api + "STREAM.INFO." + streamIntake, api + "STREAM.INFO." + streamRefused,
		api + "STREAM.CREATE." + streamIntake, api + "STREAM.CREATE." + streamRefused,
		api + "CONSUMER.*." + streamIntake + ".>",
		"$JS.ACK." + streamIntake + ".>",
		api + "STREAM.PURGE." + streamIntake, // of what the log has taken
		api + "STREAM.MSG.GET." + streamIntake, api + "STREAM.MSG.GET." + streamRefused,
		api + "STREAM.MSG.DELETE." + streamRefused,
		api + "CONSUMER.CREATE." + streamRefused + ".>", // lists without what is sealed
		api + "CONSUMER.DELETE." + streamRefused + ".*",
		api + "CONSUMER.MSG.NEXT." + streamRefused + ".*",
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: publish},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>", subjectDelivery}},
	}
}

// vaultPermissions are those of what keeps the vault: its stream and no other. It may remove single
// messages, of people who are erased.
func vaultPermissions() *server.Permissions {
	const api = "$JS.API.STREAM."
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			subjectVault,
			api + "INFO." + streamVault, api + "CREATE." + streamVault,
			api + "MSG.GET." + streamVault, api + "MSG.DELETE." + streamVault,
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>", subjectVault}},
	}
}

// viewPermissions are those of what fills the bucket of the coverage: its stream and no other.
func viewPermissions() *server.Permissions {
	const api = "$JS.API.STREAM."
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			subjectBucket + ">", api + "INFO." + streamView, api + "CREATE." + streamView,
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
	}
}

// subjectVault is the one subject of the vault's stream.
const subjectVault = "cakupan.vault"

// subjectDelivery is where the packs of the intake are delivered for the log.
const subjectDelivery = "cakupan.delivery.*"
