package cloudevents

// AppendMember appends a member of a JSON object to dst, and a comma: an attribute that came beside
// the data, in a header. Bytes that are no UTF-8 stay: the reader of the event refuses them. dst
// may begin an object of which the last member is followed by others. The value is a string,
// whatever the header holds.
func AppendMember(dst []byte, name, value string) []byte {
	dst = append(appendAsSent(dst, name), ':')
	return append(appendAsSent(dst, value), ',')
}

// appendAsSent appends a text as a JSON string, with only those bytes escaped that JSON asks for.
func appendAsSent(dst []byte, text string) []byte {
	const hexadecimal = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, hexadecimal[c>>4], hexadecimal[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
