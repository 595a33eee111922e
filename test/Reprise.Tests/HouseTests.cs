namespace Reprise.Tests;

public class HouseTests
{
    [Fact]
    public void Object_names_are_checked()
    {
        Assert.True(Storage.ObjectName.IsValid("packs/ab"));
        Assert.False(Storage.ObjectName.IsValid("packs/../keys"));
    }
}
