// Package pubsub is a Watermill Publisher and Subscriber over a ledger: other programs publish
// events to it and read its log with the same interfaces as any other Pub/Sub of Watermill.
//
// The module has no public home yet, and its path no dot, so `go get` cannot fetch it. In a module
// of your own, name a checkout, or work in both at once, which needs no line in your go.mod:
//
//	go mod edit -require=cakupan@v0.0.0 -replace=cakupan=/path/to/cakupan && go mod tidy
//	go work init . /path/to/cakupan
//
// Where the ledger knows its members, the connection of a publisher has a publisher's name and
// secret, and that of a subscriber an auditor's.
//
// # Publishing
//
// A message is an event. By default its payload is the CloudEvent in JSON, and its topic the full
// name of the event's type, or [TopicEvents]. Publish returns after the fsync, and publishing the
// same event again is a success that adds nothing, next year too; so a failed Publish may simply
// be repeated. What the ledger does not take is a [*RefusedError]: repeating does not help,
// so in a Router keep it out of Retry and send it to a poison queue.
//
//	conn, err := nats.Connect(url, nats.UserInfo(name, secret))
//	publisher := pubsub.NewPublisher(pubsub.OverNATS(conn, name), pubsub.PublisherConfig{})
//	err = publisher.Publish(pubsub.TopicEvents, message.NewMessage(watermill.NewUUID(), line))
//
// # Subscribing
//
// A subscription delivers the events of a topic in log order, from any sequence on, and then what
// is appended. A message comes again until it is acknowledged, and by default nothing further
// comes before that.
//
//	log, err := jetstream.Open(ctx, conn, jetstream.Options{})
//	positions, err := pubsub.NewFilePositions("positions")
//	subscriber, err := pubsub.NewSubscriber(log, pubsub.SubscriberConfig{
//		Group: "notices", Positions: positions,
//	})
//	messages, err := subscriber.Subscribe(ctx, "id.cakupan.enrolment.opened.v1")
//
// The log is one ordered sequence, so a group is to it what a consumer group is to a Kafka topic
// of one partition: one subscription of the group is active, the others stand by, and the next
// takes over where the last one's acknowledgements end. The position is stored after the
// acknowledgement, so a crash between the two brings events again (at least once): handle an
// event so that the second time changes nothing, by the message's sequence for example.
//
// A subscription never passes over an event. Where it cannot go on, because the log is damaged or
// out of reach for too long, its channel is closed and [Subscriber.Err] says why; a Router then
// comes to its end as if all were well, so ask for the error after Run.
package pubsub
