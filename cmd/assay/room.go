package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

// lookBuild tells the doctor how large the ledger is, what its tree takes to build, and whether the disk holds that.
func (s *stages) lookBuild() (string, error) {
	if s.run.has(fileBuild) {
		return "the tree is built already", nil
	}
	size, err := s.ledgerSize()
	if err != nil {
		return "", err
	}
	memory, err := parseSize(s.config.Run.Memory)
	if err != nil {
		return "", err
	}
	cores := runtime.GOMAXPROCS(0)
	needs := s.needs(size, cores)
	disk := sizeText(needs.disk) + " in " + cmp.Or(s.config.Run.Store, s.rel(s.run.path))
	switch free, err := s.room(); {
	case err == nil:
		disk += " (" + sizeText(free) + " free)"
	case errors.Is(err, errors.ErrUnsupported):
		disk += " (how much is free is not told there)"
	default:
		return "", err
	}
	said := fmt.Sprintf("%s: about %s on %d cores, %s, %s of memory", size, duration(needs.seconds), cores, disk, sizeText(memory))
	if s.config.Ledger.Query != "" {
		return said + "; the database's planner guesses the rows, so nothing is refused by them", nil
	}
	return said, s.holds(needs)
}

// mustFit refuses a build that the disk cannot hold before anything of it is begun. What cannot be known refuses nothing: of
// a file that is wrong the build tells where, and a query's planner only guesses.
func (s *stages) mustFit(again bool) error {
	if s.config.Ledger.Query != "" || s.config.Run.Store != "" || s.run.has(fileBuild) && !again {
		return nil
	}
	size, err := s.ledgerSize()
	if err != nil {
		return nil //nolint:nilerr // reading the ledger says it better
	}
	return s.holds(s.needs(size, runtime.GOMAXPROCS(0)))
}

// needs is what the build takes on so many cores. With margin accounts a customer's row has net equity too, as up to two entries.
func (s *stages) needs(size ledgerSize, cores int) estimate {
	if s.config.Margin != nil {
		size.entries = min(size.entries, mostSize) + 2*min(size.customers, mostSize)
	}
	return size.estimate(s.config.treeKind(), int64(cores))
}

// holds refuses what the disk cannot hold.
func (s *stages) holds(needs estimate) error {
	free, err := s.room()
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil || free >= needs.disk {
		return err
	}
	return hinted(refused("the build needs about %s in %s, which has %s", sizeText(needs.disk), s.rel(s.run.path), sizeText(free)), "free space there, or set run.dir elsewhere")
}

// room is how many bytes the run directory can take: what is free, and what an unfinished build left there, which the next one goes
// on with. Where nobody tells, as of a bucket, the error is errors.ErrUnsupported.
func (s *stages) room() (int64, error) {
	if s.config.Run.Store != "" {
		return 0, errors.ErrUnsupported
	}
	dir := s.run.path
	for {
		_, err := os.Stat(dir)
		if err == nil {
			break
		}
		if above := filepath.Dir(dir); !errors.Is(err, fs.ErrNotExist) || above == dir {
			return 0, unreadable("run directory: %v", err)
		}
		dir = filepath.Dir(dir)
	}
	free, err := freeSpace(dir)
	if err != nil || s.run.has(fileBuild) {
		return free, err
	}
	left, err := store.Dir(s.run.path).List(s.ctx, "tree/")
	for _, f := range left {
		free += f.Size
	}
	return free, err
}

// ledgerSize samples the ledger's files, or asks the database's planner.
func (s *stages) ledgerSize() (ledgerSize, error) {
	if s.config.Ledger.Query != "" {
		return s.plannedSize()
	}
	paths, err := ledgerFiles(s.config)
	if err != nil {
		return ledgerSize{}, err
	}
	var sources []ledger.Source
	for _, path := range paths {
		file, err := stampOf(path)
		if err != nil {
			return ledgerSize{}, err
		}
		sources = append(sources, ledger.Source{Name: path, Size: file.size, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }})
	}
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	objects, err := ledgerObjects(ctx, s.config)
	if err != nil {
		return ledgerSize{}, err
	}
	for _, o := range objects {
		sources = append(sources, o.source())
	}
	size, err := sampleLedger(ctx, sources, len(s.config.Assets))
	if err != nil {
		return size, hinted(unreadable("how large the ledger is could not be told: %v", err), "assay ledger check says where it is wrong")
	}
	return size, nil
}

// plannedSize is what the planner guesses. It knows no customers: the former statement tells how many entries each has.
func (s *stages) plannedSize() (ledgerSize, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	d, err := openDatabase(s.config)
	if err != nil {
		return ledgerSize{}, err
	}
	rows, columns, err := d.planned(ctx)
	if err != nil {
		return ledgerSize{}, err
	}
	if !slices.Contains(columns, "asset") { // the wide form
		wide := slices.DeleteFunc(columns, func(name string) bool { return name == "customer" || name == "class" })
		entries := mulDiv(rows, int64(len(wide)), 1)
		return ledgerSize{entries, rows, mulDiv(entries, entryBytes, 1)}, nil
	}
	size := ledgerSize{rows, rows, mulDiv(rows, entryBytes, 1)}
	former, err := s.former()
	if err != nil || former == nil {
		return size, err
	}
	if l := former.Statement.Predicate.Ledger; 0 < l.Customers && l.Customers <= l.Entries && l.Entries < mostSize {
		size.customers = mulDiv(rows, int64(l.Customers), int64(l.Entries)) //nolint:gosec // both below mostSize
	}
	return size, nil
}
