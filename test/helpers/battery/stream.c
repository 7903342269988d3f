// SPDX-License-Identifier: Apache-2.0
/* Streams of bytes without a period: what is lost, doubled or out of its place differs. */
#include "battery.h"

static uint64_t word_at(const struct stream *stream, uint64_t offset);

void stream_read(struct stream *stream, void *bytes, size_t length)
{
	unsigned char *to = bytes;

	while (length) {
		size_t skipped = stream->offset % 8;
		size_t taken = 8 - skipped < length ? 8 - skipped : length;
		uint64_t word = word_at(stream, stream->offset);

		memcpy(to, (char *)&word + skipped, taken);
		stream->offset += taken;
		to += taken;
		length -= taken;
	}
}

void stream_check(struct part *part, struct stream *stream, const void *bytes, size_t length)
{
	const unsigned char *from = bytes;
	uint64_t start = stream->offset;
	unsigned char wanted[4096];

	for (size_t at = 0; at < length; at += sizeof(wanted)) {
		size_t size = length - at < sizeof(wanted) ? length - at : sizeof(wanted);

		stream_read(stream, wanted, size);
		if (!memcmp(wanted, from + at, size))
			continue;
		for (size_t i = 0; i < size; i++)
			if (wanted[i] != from[at + i])
				fail(part, "byte %lu is %02x instead of %02x", start + at + i,
				     from[at + i], wanted[i]);
	}
}

uint64_t next_below(struct stream *series, uint64_t limit)
{
	uint64_t word = word_at(series, series->offset);

	series->offset += 8;
	return (word >> 16) % limit;
}

struct stream make_series(const struct part *part, unsigned int number)
{
	return (struct stream){ .seed = part->seed ^ (0xd1ceULL << 40) ^ number };
}

/* SplitMix64 (Steele, Lea and Flood 2014), of the number of the word. */
static uint64_t word_at(const struct stream *stream, uint64_t offset)
{
	uint64_t word = stream->seed * 0xd1342543de82ef95 + (offset / 8 + 1) * 0x9e3779b97f4a7c15;

	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
	word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
	return word ^ (word >> 31);
}
