// Package metrics counts what a running ledger does, for Prometheus.
//
// No label holds what somebody sent: each has its values from a list of this program.
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
// library: a test, or a second ledger in one process, counts apart.
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

// New returns metrics that have counted nothing, with those of the process.
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
		appendSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "cakupan_append_seconds",
			Help:    "How long a batch took from judged to durable: fsync and wait included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		batchEvents: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "cakupan_append_batch_events",
			Help:    "Events of a batch that was handed in to be appended.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		frameSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cakupan_frame_seconds",
			Help: "How long a frame took from sent to acknowledged by the log: with its fsync," +
				" on a cluster those of most replicas.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
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

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// Handler answers with all that was counted, in the text format of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true})
}

// Appended counts a batch that is durable.
func (m *Metrics) Appended(events int, took time.Duration) {
	m.appendSeconds.Observe(took.Seconds())
	m.batchEvents.Observe(float64(events))
}

// Stored counts a frame that the log has.
func (m *Metrics) Stored(bytes int, took time.Duration) {
	m.frameSeconds.Observe(took.Seconds())
	m.frameBytes.Observe(float64(bytes))
}

// Watch counts one more who watches by Server-Sent Events, until leave is called.
func (m *Metrics) Watch() (leave func()) {
	events := m.watchers.WithLabelValues(byEvents)
	events.Inc()
	return events.Dec
}

// Watched notes how many watch the bucket of NATS.
func (m *Metrics) Watched(watchers int) {
	m.watchers.WithLabelValues(byBucket).Set(float64(watchers))
}

// buildInfo names the program that counts.
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

// End counts a request that is answered. The route is one of a fixed list; status 0 is of a
// request that nobody waited for.
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
// each shared counter once.
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
// operator finds out that something else does.
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
// and ends it.
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

// Collect asks for the numbers.
func (a *asked) Collect(to chan<- prometheus.Metric) {
	for value, number := range a.values() {
		labels := []string{value}
		to <- prometheus.MustNewConstMetric(a.about, a.kind, number, labels[:a.labels]...)
	}
}
