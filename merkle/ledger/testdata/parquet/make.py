# Writes the Parquet files beside it, with pyarrow 26.0.1 (pip install pyarrow==26.0.1). Tests compare them with ledger.csv.
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

rows = [
    ("carol@example.org", "BTC", "0.25"),
    ("carol@example.org", "JPY", "12"),
    ("dave@example.org", "ETH", "1.000000000000000001"),
    ("Zoë", "BTC", "20999999.12345678"),
    ("Zoë", "JPY", "0"),
    ("frank", "JPY", "3"),
]
with open("ledger.csv", "w", newline="") as f:
    f.write("customer,asset,balance\n" + "".join(",".join(r) + "\n" for r in rows))

customer = pa.array([r[0] for r in rows])
asset = pa.array([r[1] for r in rows]).dictionary_encode()
text = pa.array([r[2] for r in rows])


def number(kind):
    return pa.array([Decimal(r[2]) for r in rows], kind)


def long(name, balance, **how):
    pq.write_table(pa.table({"customer": customer, "asset": asset, "balance": balance}), name, **how)


long("text-snappy.parquet", text, compression="snappy", row_group_size=2)
long("text-gzip-v2.parquet", text, compression="gzip", data_page_version="2.0")
long("text-plain.parquet", text, compression="none", use_dictionary=False, version="1.0")
long("decimal38-zstd.parquet", number(pa.decimal128(38, 18)), compression="zstd")
long("decimal76.parquet", number(pa.decimal256(76, 20)), compression="lz4")
long("decimal38-delta.parquet", number(pa.decimal128(38, 18)), use_dictionary=False,
     column_encoding={"customer": "DELTA_BYTE_ARRAY", "asset": "DELTA_LENGTH_BYTE_ARRAY", "balance": "BYTE_STREAM_SPLIT"})

order = list(dict.fromkeys(r[0] for r in rows))
held = {(r[0], r[1]): r[2] for r in rows}


def cells(a, make):
    return [make(held[c, a]) if (c, a) in held else None for c in order]


pq.write_table(pa.table({
    "customer": order,
    "ETH": cells("ETH", str),
    "BTC": pa.array(cells("BTC", Decimal), pa.decimal128(16, 8)),  # INT64
    "JPY": pa.array(cells("JPY", int), pa.int32()),
}), "wide.parquet", compression="brotli", row_group_size=3, store_decimal_as_integer=True)

pq.write_table(pa.table({"customer": order[:1], "JPY": pa.array([12.0])}), "float.parquet")
pq.write_table(pa.table({"customer": order[:1], "JPY": pa.array([12.0]).cast(pa.float16())}), "float16.parquet")
pq.write_table(pa.table({"customer": order[:1], "JPY": pa.array([[1, 2]])}), "list.parquet")
pq.write_table(pa.table({"customer": order[:1], "JPY": pa.array([1], pa.timestamp("us"))}), "time.parquet")
