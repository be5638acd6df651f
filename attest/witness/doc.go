// Package witness is a witness of transparency logs (SPEC part 25): it cosigns a
// log's checkpoint only if the log still begins with all that it cosigned before. So
// a log that shows two histories finds no witness for the second.
//
// It speaks C2SP's tlog-witness, one request:
//
//	POST /add-checkpoint
//
//	old 20852014
//	PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=   consistency proof
//
//	exchange.example/log                            checkpoint
//	20852163
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//	— exchange.example/log Az3grlgtzPICa5OS8npVmf1M…
//
// and answers with a cosignature, or with why not. What it knows lies in one folder:
//
//	<SHA-256 of origin>.checkpoint   the latest checkpoint it cosigned, one a log
//	evidence/<…>/                    two checkpoints, the second not shown to follow; of one size
//	                                 fork.json too, which assay-verify log evidence checks
//
// The latest checkpoint is on disk before its cosignature leaves. Monitors read it
// at GET /checkpoint/<SHA-256 of origin>.
package witness
