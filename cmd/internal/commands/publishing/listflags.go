package publishing

import (
	"strings"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/importer"
	"cakupan/cmd/internal/lists"
)

// listFlags say what a list does not say of itself. What is given here goes before what the file
// declares. A value of Default may have a comma, so that flag is not parted at one.
type listFlags struct {
	List    string   `placeholder:"ID" help:"${list}"`
	Source  string   `placeholder:"URI" help:"${listSource}"`
	Kind    string   `placeholder:"KIND" help:"${listKind}"`
	Sheet   string   `placeholder:"NAME" help:"Of several sheets: which one, or all."`
	Default []string `sep:"none" placeholder:"COLUMN=VALUE" help:"${listDefault}"`
}

// given tells whether any was.
func (f *listFlags) given() bool {
	return f.List+f.Source+f.Kind+f.Sheet != "" || len(f.Default) > 0
}

// options reads the flags. Which columns and values there are only the list can say.
func (f *listFlags) options() (lists.Options, error) {
	opts := lists.Options{ID: f.List, Source: f.Source, Sheet: f.Sheet}
	if f.Kind != "" {
		kind, ok := lists.ParseKind(f.Kind)
		if !ok {
			return opts, cli.Usage("--kind must be " + lists.KindNames(lists.English) + " (" +
				lists.KindNames(lists.Indonesian) + ")")
		}
		opts.Kind = kind
	}
	for _, text := range f.Default {
		column, value, ok := strings.Cut(text, "=")
		if !ok {
			return opts, cli.Usage("--default must be COLUMN=VALUE, such as segment=PU (tulis" +
				" KOLOM=NILAI, misalnya segmen=PU)")
		}
		opts.Defaults = append(opts.Defaults, lists.Default{Column: column, Value: value})
	}
	return opts, nil
}

// checkLists makes sure, before anything is appended, that lists can be read and that the flags fit
// the files. rejects is the name of the file for what is refused, "" for none. The options are
// those for all lists of the command.
func checkLists(files []string, flags *listFlags, rejects string) (lists.Options, error) {
	opts, err := flags.options()
	if err != nil {
		return opts, err
	}
	// Each list is opened and closed again: its beginning is enough to know whether it can be read.
	count := 0
	for _, path := range files {
		if !importer.IsList(path) {
			continue
		}
		count++
		if err := importer.CheckList(path, opts); err != nil {
			return opts, err
		}
	}
	switch {
	case count == 0 && flags.given():
		// Else a value for all rows would be lost in a file of events without a word.
		return opts, cli.Usage("--list, --source, --kind, --sheet and --default are for lists of" +
			" people: .csv, .tsv, .txt, .xlsx, .xlsm and .ods (hanya untuk daftar orang)")
	case importer.ReturnsList(rejects) && strings.EqualFold(flags.Sheet, lists.EverySheet):
		// Rows are given back as a list of one sheet, which has no place for those of another.
		return opts, cli.Usage("--rejects with a name that ends with .csv or .xlsx gives the rows" +
			" of one sheet back: import the sheets one by one, or name a file that ends with" +
			" .ndjson (baris satu lembar saja yang dapat dikembalikan: kirim lembarnya satu per" +
			" satu)")
	case count > 0 && importer.IsList(rejects) && !importer.ReturnsList(rejects):
		// Other forms of lists can be read here and not written.
		return opts, cli.Usage("--rejects gives rows of a list back as .csv or .xlsx (pakai nama" +
			" yang berakhir dengan .csv atau .xlsx)")
	case importer.ReturnsList(rejects) && (count == 0 || len(files) > 1):
		return opts, cli.Usage("--rejects with a name that ends with .csv or .xlsx gives the rows" +
			" of one list back: import that list alone, or name a file that ends with .ndjson" +
			" (baris satu daftar saja yang dapat dikembalikan: kirim daftar itu sendiri)")
	}
	// Kept rows cost memory, and are for nothing else.
	opts.KeepRows = rejects != ""
	return opts, nil
}
