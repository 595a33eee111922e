using System.Text.Json;

namespace Reprise.Tests.Json;

/// <summary>The validator itself finds what is wrong.</summary>
public class SchemaValidatorTests
{
    private const string Schema = """
        {
          "type": "object",
          "required": ["name", "size"],
          "properties": {
            "name": { "type": "string", "pattern": "^[a-z]+$" },
            "size": { "type": ["integer", "null"] },
            "kind": { "enum": ["one", "two", null] },
            "list": { "type": "array", "items": { "type": "number" } },
            "same": { "const": 3 },
            "when": { "anyOf": [{ "$ref": "common.json#/$defs/time" }, { "type": "null" }] }
          }
        }
        """;

    [Theory]
    [InlineData("""{ "name": "a", "size": 1, "kind": "one", "list": [1, 2.5], "same": 3 }""")]
    [InlineData("""{ "name": "a", "size": 1, "when": "2026-11-22T03:15:02.000Z" }""")]
    [InlineData("""{ "name": "a", "size": null, "kind": null, "list": [], "when": null }""")]
    public void A_good_document_passes(string document) => Assert.Empty(Faults(document));

    [Theory]
    [InlineData("""{ "name": "a" }""")]
    [InlineData("""{ "name": "A", "size": 1 }""")]
    [InlineData("""{ "name": 1, "size": 1 }""")]
    [InlineData("""{ "name": "a", "size": 1.5 }""")]
    [InlineData("""{ "name": "a", "size": 1, "kind": "three" }""")]
    [InlineData("""{ "name": "a", "size": 1, "list": ["1"] }""")]
    [InlineData("""{ "name": "a", "size": 1, "same": 4 }""")]
    [InlineData("""{ "name": "a", "size": 1, "when": "2026-11-22T03:15:02Z" }""")]
    [InlineData("""{ "name": "a", "size": 1, "other": 1 }""")]
    [InlineData("[]")]
    public void A_bad_document_has_one_fault(string document) => Assert.Single(Faults(document));

    [Fact]
    public void A_word_that_is_not_checked_is_a_fault()
    {
        using var schema = JsonDocument.Parse("""{ "minimum": 3 }""");
        Assert.Single(SchemaValidator.Faults(JsonDocument.Parse("5").RootElement, schema.RootElement));
    }

    private static IReadOnlyList<string> Faults(string document)
    {
        using var schema = JsonDocument.Parse(Schema);
        using var value = JsonDocument.Parse(document);
        return SchemaValidator.Faults(value.RootElement, schema.RootElement);
    }
}
