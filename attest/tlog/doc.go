// Package tlog keeps the exchange's transparency log (SPEC part 25): a folder of
// tiles that anybody can be given to read, and that only ever grows.
//
// Tessera orders, hashes and stores the entries. What this package adds is that
// nothing is believed: [Log.Add] comes back once every entry lies under a
// checkpoint that the quorum of witnesses cosigned, was read from the folder again,
// and has a proof that was verified here. An entry is opaque bytes; the same bytes
// stand in a log once.
//
//	checkpoint                 exchange.example/log
//	                           1043
//	                           CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//	                           — exchange.example/log Az3grlgtzPIC…
//	                           — witness.example BmXCqz8WbTAA…
//	tile/0/000  tile/0/003.p/19    hashes of leaves, 256 a tile
//	tile/1/000.p/4                 and of the tiles below
//	tile/entries/003.p/19          the entries
//	.state/                        tessera's own; not for others
//
// A folder is one process's at a time. Reading needs no such hold: [ReadCheckpoint],
// [Entries] and [Prove] work on any copy of the files.
package tlog
