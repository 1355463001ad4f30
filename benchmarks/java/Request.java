import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One line of stdin, a flat object of JSON.
 *
 * @param action consume, or latency
 * @param way client, or stubs
 * @param address where the server listens
 * @param warmUpS how long to read before anything counts, in seconds
 * @param seconds how long to read after that
 */
record Request(String action, String way, String address, double warmUpS, double seconds) {
    private static final Pattern FIELD = Pattern.compile("\"(\\w+)\": (?:\"([^\"]*)\"|([-+.\\deE]+))");

    /** Reads a line as Python's json writes it; no text in it holds a quotation mark. */
    static Request parse(String line) {
        Map<String, String> fields = new HashMap<>();
        for (Matcher field = FIELD.matcher(line); field.find(); ) {
            fields.put(field.group(1), field.group(2) != null ? field.group(2) : field.group(3));
        }
        return new Request(
                fields.get("do"),
                fields.get("way"),
                fields.get("address"),
                Double.parseDouble(fields.get("warm_up_s")),
                Double.parseDouble(fields.get("seconds")));
    }
}
