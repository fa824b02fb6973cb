// Package metrics counts what a running ledger does, for Prometheus.
//
// No label holds what somebody sent: each has its values from a list of this program. What the
// program does itself is counted as it happens; what others keep, such as sequences and free room,
// is asked for when somebody reads. Nothing is persisted: counters begin at 0 with the process,
// which Prometheus allows for. The names are an interface, since alerts and dashboards stand on
// them. Whoever serves the metrics says who may read them.
package metrics

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"cakupan/domain/event"
)

// Metrics counts. It is safe for concurrent use. The registry is its own, not the global one of the
// library: a test, or a second ledger in one process, counts apart. All fields are set by New.
type Metrics struct {
	registry *prometheus.Registry
	inWork   atomic.Int64 // requests that have begun and not ended
	watchers *prometheus.GaugeVec

	events, refusals, requests *prometheus.CounterVec
	overloaded                 prometheus.Counter
	appendSeconds, batchEvents prometheus.Histogram
	frameSeconds, frameBytes   prometheus.Histogram
}

// How changes are watched, as a label.
const (
	byEvents = "events"
	byBucket = "bucket"
)

// New returns metrics that have counted nothing, with those of the process. They are complete but
// for what [Metrics.Ask] and [Metrics.Follow] add, and may be counted with at once.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		events: counters("cakupan_events_total",
			"Events that were taken in or refused, by status.", "status"),
		refusals: counters("cakupan_refusals_total", "Events that were refused, by code.", "code"),
		requests: counters("cakupan_http_requests_total",
			"Requests that were answered, by route and class of status.", "route", "class"),
		watchers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cakupan_watchers",
			Help: "Who watch changes, by Server-Sent Events or the bucket of NATS. The bucket's" +
				" are known to the ledger that writes.",
		}, []string{"by"}),
		overloaded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cakupan_http_too_many_requests_total",
			Help: "Requests that were answered with 429, to be sent again later.",
		}),
		// 1 ms to 8 s, doubled; what is longer is counted in the last bucket, which has no bound.
		appendSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "cakupan_append_seconds",
			Help:    "How long a batch took from judged to durable: fsync and wait included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		// 1 to 16,384, times four: the largest batch of a request has 10,000.
		batchEvents: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "cakupan_append_batch_events",
			Help:    "Events of a batch that was handed in to be appended.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		// 0.5 ms to 4 s, doubled: from the fsync of a flash disk to that of a cluster in trouble.
		frameSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cakupan_frame_seconds",
			Help: "How long a frame took from sent to acknowledged by the log: with its fsync," +
				" on a cluster those of most replicas.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		// 256 bytes to 4 MiB, times four.
		frameBytes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "cakupan_frame_bytes",
			Help:    "Bytes of a frame of the log.",
			Buckets: prometheus.ExponentialBuckets(256, 4, 8),
		}),
	}
	for _, status := range []event.Status{event.Appended, event.Duplicate, event.Refused} {
		m.events.WithLabelValues(string(status)) // is there from the start, as 0
	}
	for _, by := range []string{byEvents, byBucket} {
		m.watchers.WithLabelValues(by)
	}
	inWork := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cakupan_http_requests_in_work", Help: "Requests that are not answered yet.",
	}, func() float64 { return float64(m.inWork.Load()) })
	m.registry.MustRegister(m.events, m.refusals, m.requests, m.overloaded, inWork, m.watchers,
		m.appendSeconds, m.batchEvents, m.frameSeconds, m.frameBytes,
		buildInfo(),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// counters returns a counter for each value of the labels; there is none until it is first counted.
func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// Handler answers with all that was counted, in the text format of Prometheus. It is not
// compressed. A figure that has nothing to say is left out, and is no error.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true})
}

// Appended counts a batch that is durable. took is from judged to durable, waiting for others
// included.
func (m *Metrics) Appended(events int, took time.Duration) {
	m.appendSeconds.Observe(took.Seconds())
	m.batchEvents.Observe(float64(events))
}

// Stored counts a frame that the log has. took is from sent to acknowledged, for one frame, so
// without the wait for a place behind others.
func (m *Metrics) Stored(bytes int, took time.Duration) {
	m.frameSeconds.Observe(took.Seconds())
	m.frameBytes.Observe(float64(bytes))
}

// Watch counts one more who watches by Server-Sent Events, until leave is called. leave is called
// once.
func (m *Metrics) Watch() (leave func()) {
	events := m.watchers.WithLabelValues(byEvents)
	events.Inc()
	return events.Dec
}

// Watched notes how many watch the bucket of NATS. The last number told counts; only the ledger
// that writes knows it.
func (m *Metrics) Watched(watchers int) {
	m.watchers.WithLabelValues(byBucket).Set(float64(watchers))
}

// buildInfo names the program that counts. What a build without version control does not know is
// "unknown".
func buildInfo() prometheus.Collector {
	version, revision := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = setting.Value
			}
		}
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cakupan_build_info", Help: "1, with what the program was built from.",
		ConstLabels: prometheus.Labels{
			"version": version, "revision": revision, "goversion": runtime.Version(),
		},
	}, func() float64 { return 1 })
}

// Begin counts a request that is in work.
func (m *Metrics) Begin() { m.inWork.Add(1) }

// End counts a request that is answered. The route is one of a fixed list; status 0 is of a request
// that nobody waited for. An unknown status is of the class "none" too: a label has few values,
// whatever a handler does.
func (m *Metrics) End(route string, status int) {
	m.inWork.Add(-1)
	class := "none"
	if status >= 100 && status < 600 {
		class = strconv.Itoa(status/100) + "xx"
	}
	m.requests.WithLabelValues(route, class).Inc()
	if status == http.StatusTooManyRequests {
		m.overloaded.Inc()
	}
}

// Receipts counts events that were taken in or refused. It adds up first: a batch of 1,000 touches
// each shared counter once. A refusal without a reason of its own, as in an atomic batch, has no
// code and is in the sum alone.
func (m *Metrics) Receipts(receipts []event.Receipt) {
	var appended, duplicates, refused float64
	for i := range receipts {
		switch receipts[i].Status {
		case event.Appended:
			appended++
		case event.Duplicate:
			duplicates++
		case event.Refused:
			refused++
			if refusal := receipts[i].Refusal; refusal != nil {
				m.refusals.WithLabelValues(string(refusal.Code)).Inc()
			}
		}
	}
	m.events.WithLabelValues(string(event.Appended)).Add(appended)
	m.events.WithLabelValues(string(event.Duplicate)).Add(duplicates)
	m.events.WithLabelValues(string(event.Refused)).Add(refused)
}

// Figure is a number that others keep and metrics ask for. Values is called from the goroutine of
// whoever reads the metrics, several at a time, and must not block: a scrape is also how an
// operator finds out that something else does. It is copied by Ask.
type Figure struct {
	Name  string
	Help  string
	Label string // name of the label; empty: there is none, and Values has one value, of ""
	// Values returns the number of each value of the label, from a list of the program.
	Values func() map[string]float64
	// Counts says that the numbers never fall while the program runs.
	Counts bool
}

// Ask adds a figure, which is asked for each time somebody reads the metrics. Call it before the
// metrics are served. A name that is taken, or labels of another number, is a fault of the program
// and ends it. A scrape that comes later has the figure.
func (m *Metrics) Ask(f Figure) {
	var labels []string
	if f.Label != "" {
		labels = []string{f.Label}
	}
	kind := prometheus.GaugeValue
	if f.Counts {
		kind = prometheus.CounterValue
	}
	m.registry.MustRegister(&asked{
		values: f.Values, kind: kind, labels: len(labels),
		about: prometheus.NewDesc(f.Name, f.Help, labels, nil),
	})
}

// asked collects a [Figure]. It asks at the moment of reading, so that nothing has to be kept in
// step.
type asked struct {
	about  *prometheus.Desc
	kind   prometheus.ValueType
	labels int
	values func() map[string]float64
}

// Describe tells what is collected.
func (a *asked) Describe(to chan<- *prometheus.Desc) { to <- a.about }

// Collect asks for the numbers. Their order is that of a map: the library sorts what it writes. A
// value that there is no more is gone with the next scrape.
func (a *asked) Collect(to chan<- prometheus.Metric) {
	for value, number := range a.values() {
		labels := []string{value}
		to <- prometheus.MustNewConstMetric(a.about, a.kind, number, labels[:a.labels]...)
	}
}
